//! Student numbers that a school lets the platform give: the year of admission and a running number, "2026-0001".

/// The number of the `sequence`-th student of a year. Four digits and more, so that numbers of a year sort as text up
/// to 9999 and go on after it.
#[must_use]
pub fn format(year: u16, sequence: u32) -> String {
    format!("{year:04}-{sequence:04}")
}

/// Year and running number of a text that [`format()`] writes; `None` for any other, as schools give numbers of their own.
#[must_use]
pub fn parse(text: &str) -> Option<(u16, u32)> {
    let (year, sequence) = text.split_once('-')?;
    let (year, sequence) = (year.parse().ok()?, sequence.parse().ok()?);
    // Leading signs and further zeros are how others write.
    (format(year, sequence) == text).then_some((year, sequence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_the_year_and_at_least_four_digits() {
        assert_eq!(format(2026, 1), "2026-0001");
        assert_eq!(format(2026, 12_345), "2026-12345");
        assert_eq!(parse("2026-0001"), Some((2026, 1)));
    }

    #[test]
    fn numbers_of_the_schools_own_making_are_left_alone() {
        for text in [
            "",
            "2026",
            "2026-1",
            "2026-00001",
            "+2026-0001",
            "2026-+001",
            "26-0001",
            "A-0001",
            "2026-0001 ",
            "2026-0001-2",
            "2026-99999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_it_is_written(year: u16, sequence: u32) {
            prop_assert_eq!(parse(&format(year, sequence)), Some((year, sequence)));
        }
    }
}
