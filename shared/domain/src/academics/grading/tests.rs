use super::*;
use proptest::prelude::*;

fn mark(hundredths: i64) -> Mark {
    Mark::new(hundredths).unwrap()
}

fn band(grade: &str, rank: u32, min: i64, max: i64) -> Band {
    Band {
        grade: grade.to_owned(),
        rank,
        min_mark: mark(min),
        max_mark: mark(max),
        description: String::new(),
        comment: String::new(),
    }
}

fn o_level() -> Vec<Band> {
    vec![
        band("A", 1, 7000, 10_000),
        band("B", 2, 6000, 6999),
        band("C", 3, 5000, 5900),
        band("U", 5, 0, 4900),
    ]
}

fn messages(faults: &[ScaleFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_mark_belongs_to_the_highest_band_that_does_not_begin_above_it() {
    let scale = Scale::new(o_level()).unwrap();
    for (hundredths, grade) in [
        (0, "U"),
        (4900, "U"),
        (4999, "U"),
        (5000, "C"),
        (5900, "C"),
        (5950, "C"),
        (6000, "B"),
        (6999, "B"),
        (7000, "A"),
        (10_000, "A"),
    ] {
        assert_eq!(scale.band(mark(hundredths)).grade, grade, "{hundredths}");
    }
}

#[test]
fn points_count_up_from_the_worst_rank() {
    let scale = Scale::new(o_level()).unwrap();
    let points: Vec<u32> = scale.bands().map(|band| scale.points(band)).collect();
    assert_eq!(points, [0, 2, 3, 4]);
}

#[test]
fn one_band_is_a_scale_and_none_is_not() {
    assert!(Scale::new(vec![band("P", 1, 0, 10_000)]).is_ok());
    assert_eq!(Scale::new(Vec::new()), Err(vec![ScaleFault::Empty]));
}

#[test]
fn a_gap_of_one_is_allowed_and_a_wider_one_is_not() {
    let scale = |upper: i64| Scale::new(vec![band("F", 2, 0, 4900), band("P", 1, upper, 10_000)]);
    assert!(scale(5000).is_ok());
    assert_eq!(
        messages(&scale(5001).unwrap_err()),
        ["The marks between 49 (grade F) and 50.01 (grade P) have no grade."]
    );
}

#[test]
fn both_ends_must_be_covered() {
    let faults = Scale::new(vec![band("P", 1, 1, 9999)]).unwrap_err();
    assert_eq!(
        messages(&faults),
        [
            "The marks below 0.01 have no grade.",
            "The marks above 99.99 have no grade."
        ]
    );
}

#[test]
fn a_shared_limit_is_an_overlap() {
    let bands = [band("F", 2, 0, 5000), band("P", 1, 5000, 10_000)];
    assert_eq!(
        messages(&Scale::check_partial(&bands)),
        ["Grades F and P overlap."]
    );
}

#[test]
fn a_band_within_a_far_reaching_one_is_found_behind_another() {
    let bands = [
        band("C", 3, 8000, 8500),
        band("A", 1, 0, 9000),
        band("B", 2, 1000, 2000),
    ];
    assert_eq!(
        messages(&Scale::check_partial(&bands)),
        ["Grades A and B overlap.", "Grades A and C overlap."]
    );
}

#[test]
fn bands_still_being_entered_may_leave_gaps_but_nothing_else() {
    assert_eq!(Scale::check_partial(&[]), []);
    assert_eq!(Scale::check_partial(&[band("B", 2, 6000, 6900)]), []);
    let bands = [
        band("A", 1, 9000, 8000),
        band("B", 1, 6000, 6900),
        band("B", 3, 2000, 3000),
        band("B", 4, 4000, 5000),
    ];
    assert_eq!(
        messages(&Scale::check_partial(&bands)),
        [
            "The minimum mark of grade A is above its maximum mark.",
            "Grade B appears more than once.",
            "Rank 1 appears more than once.",
        ]
    );
}

#[test]
fn a_frozen_band_is_read_as_it_was_written_and_a_raw_row_is_refused() {
    let frozen = serde_json::to_string(&band("B", 2, 6000, 6999)).unwrap();
    assert_eq!(
        frozen,
        r#"{"grade":"B","rank":2,"min_mark":60,"max_mark":69.99,"description":"","comment":""}"#
    );
    assert_eq!(
        serde_json::from_str::<Band>(&frozen).unwrap(),
        band("B", 2, 6000, 6999)
    );
    let row = frozen.replace("69.99", "6999");
    assert!(serde_json::from_str::<Band>(&row).is_err());
}

prop_compose! {
    /// Bands that cover 0–100, from the best to the worst, with gaps of 0.01 to 1.
    fn whole_scales()(
        starts in prop::collection::btree_set(200..=10_000_i64, 0..12),
        gaps in prop::collection::vec(1..=100_i64, 12),
    ) -> Vec<Band> {
        let mut bands = Vec::new();
        let mut end = 10_000;
        for (n, start) in starts.iter().rev().enumerate() {
            if *start > end {
                continue;
            }
            let rank = u32::try_from(bands.len()).unwrap() + 1;
            bands.push(band(&format!("G{rank}"), rank, *start, end));
            end = start - gaps[n];
        }
        let rank = u32::try_from(bands.len()).unwrap() + 1;
        bands.push(band(&format!("G{rank}"), rank, 0, end));
        bands
    }
}

proptest! {
    #[test]
    fn a_scale_parts_0_to_100(bands in whole_scales(), hundredths in 0..=10_000_i64) {
        let scale = Scale::new(bands.clone()).unwrap();
        let mark = mark(hundredths);
        let found = scale.band(mark);
        prop_assert!(found.min_mark <= mark);
        // No other band begins between, and the mark is at most the widest gap above the band.
        prop_assert!(!bands.iter().any(|b| b.min_mark <= mark && b.min_mark > found.min_mark));
        prop_assert!(hundredths < found.max_mark.hundredths() + WIDEST_GAP);
        // A mark that a band names is that band's.
        let named = bands.iter().find(|b| b.min_mark <= mark && mark <= b.max_mark);
        prop_assert!(named.is_none_or(|b| b == found));
    }

    #[test]
    fn a_better_mark_never_has_a_worse_rank(bands in whole_scales(), a in 0..=10_000_i64, b in 0..=10_000_i64) {
        let scale = Scale::new(bands).unwrap();
        let (low, high) = (scale.band(mark(a.min(b))), scale.band(mark(a.max(b))));
        prop_assert!(low.rank >= high.rank);
        prop_assert!(scale.points(low) <= scale.points(high));
    }

    #[test]
    fn the_order_in_which_bands_are_given_makes_no_difference(
        (bands, shuffled) in whole_scales()
            .prop_flat_map(|bands| (Just(bands.clone()), Just(bands).prop_shuffle())),
    ) {
        prop_assert_eq!(Scale::new(bands), Scale::new(shuffled));
    }

    #[test]
    fn an_overlap_is_reported_exactly_when_two_bands_share_a_mark(
        ranges in prop::collection::vec((0..=30_i64, 0..=6_i64), 1..6),
    ) {
        let bands: Vec<Band> = (1..)
            .zip(&ranges)
            .map(|(rank, (min, length))| band(&rank.to_string(), rank, *min, min + length))
            .collect();
        let shares = |a: &Band, b: &Band| a.min_mark <= b.max_mark && b.min_mark <= a.max_mark;
        let expected = bands
            .iter()
            .enumerate()
            .any(|(n, a)| bands.iter().skip(n + 1).any(|b| shares(a, b)));
        prop_assert_eq!(!Scale::check_partial(&bands).is_empty(), expected);
    }
}
