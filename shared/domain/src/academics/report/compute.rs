//! From marks to cards: first each student's own figures, then what only the others decide.

use std::collections::BTreeMap;

use super::{
    super::{
        grading::{Band, Scale},
        marks::{self, Coefficient, Hundredths, Mark, Score},
        ranking,
    },
    Candidate, Card, Cohort, Criterion, SubjectLine, SubjectPlan,
    attendance::{self, AttendanceTier},
};

/// The cards of a cohort: by class, then by position; without a position after them, the incomplete last; equals by
/// `student_session`.
#[must_use]
pub fn compute(cohort: &Cohort) -> Vec<Card> {
    let form = Form::new(cohort);
    let mut cards: Vec<Card> = cohort
        .students
        .iter()
        .map(|student| form.card(student))
        .collect();
    let criteria = cohort.settings.priorities(&cohort.level);

    let in_form = positions(&cards, criteria);
    for (card, position) in cards.iter_mut().zip(in_form) {
        card.position_in_form = position;
    }
    cards.sort_by(|a, b| a.academic_class.cmp(&b.academic_class));
    for class in cards.chunk_by_mut(|a, b| a.academic_class == b.academic_class) {
        compare_subjects(class);
        compare_cards(class, criteria);
    }
    cards.sort_by(|a, b| {
        // Within a class: `false` before `true`, so positions first and the incomplete last.
        let place = |card: &Card| {
            (
                card.position_in_class.is_none(),
                !card.is_complete,
                card.position_in_class,
            )
        };
        a.academic_class
            .cmp(&b.academic_class)
            .then_with(|| place(a).cmp(&place(b)))
            .then_with(|| a.student_session.cmp(&b.student_session))
    });
    cards
}

/// What all cards of the form have in common.
struct Form<'a> {
    scale: Option<&'a Scale>,
    subjects: &'a [SubjectPlan],
    /// Where each subject stands in `subjects`.
    places: BTreeMap<&'a str, usize>,
    /// The bands of the scale, the best first.
    grades: Vec<&'a Band>,
    size: u32,
    /// What absences are worth; none: nothing.
    tiers: Option<&'a [AttendanceTier]>,
}

impl<'a> Form<'a> {
    fn new(cohort: &'a Cohort) -> Self {
        let mut grades: Vec<&Band> = cohort.scale.iter().flat_map(Scale::bands).collect();
        grades.sort_by_key(|band| band.rank);
        Self {
            scale: cohort.scale.as_ref(),
            subjects: &cohort.subjects,
            places: cohort
                .subjects
                .iter()
                .enumerate()
                .map(|(n, subject)| (subject.id.as_str(), n))
                .collect(),
            grades,
            size: count(&cohort.students),
            tiers: cohort
                .settings
                .attendance_bonus
                .then_some(cohort.settings.attendance_tiers.as_slice()),
        }
    }

    /// A student's own figures; those that the others decide are still empty.
    fn card(&self, student: &Candidate) -> Card {
        let mut scores: Vec<Option<Score>> = vec![None; self.subjects.len()];
        for (subject, score) in &student.subjects {
            let place = self.places.get(subject.as_str());
            if let Some(slot) = place.and_then(|&n| scores.get_mut(n)) {
                *slot = Some(*score);
            }
        }
        let mut card = Card {
            student_session: student.student_session.clone(),
            academic_class: student.academic_class.clone(),
            subjects: Vec::with_capacity(student.subjects.len()),
            total: Hundredths::default(),
            coefficients: Hundredths::default(),
            average: None,
            raw_average: None,
            attendance_points: None,
            subjects_taken: 0,
            subjects_passed: 0,
            grade_counts: Vec::new(),
            points: self.scale.map(|_| 0),
            is_complete: true,
            missing: Vec::new(),
            position_in_class: None,
            class_size: 0,
            position_in_form: None,
            form_size: self.size,
            class_average: None,
            class_highest: None,
            class_lowest: None,
        };
        let mut weighted = 0;
        let mut ranks: BTreeMap<u32, u32> = BTreeMap::new();
        for (plan, score) in self.subjects.iter().zip(scores) {
            let Some(score) = score else { continue };
            let passed = score.mark().map(|mark| mark >= plan.pass_mark);
            let mut band = None;
            if let Some(mark) = score.mark() {
                weighted += weigh(mark, plan.coefficient);
                card.coefficients.0 += plan.coefficient.hundredths();
                card.subjects_taken += 1;
                card.subjects_passed += u32::from(passed == Some(true));
                band = self.scale.map(|scale| scale.band(mark));
            }
            if let Some((scale, band)) = self.scale.zip(band) {
                *ranks.entry(band.rank).or_default() += 1;
                let more = scale.points(band);
                card.points = card.points.map(|points| points.saturating_add(more));
            }
            if score == Score::Missing {
                card.is_complete = false;
                card.missing.push(plan.id.clone());
            }
            card.subjects.push(SubjectLine {
                subject: plan.id.clone(),
                name: plan.name.clone(),
                score,
                grade: band.map(|band| band.grade.clone()),
                rank: band.map(|band| band.rank),
                passed,
                coefficient: plan.coefficient,
                position_in_class: None,
                class_average: None,
                class_highest: None,
                class_lowest: None,
                number_sat: 0,
            });
        }
        card.total = marks::divide(weighted, 100).unwrap_or_default();
        card.average = marks::divide(weighted, card.coefficients.0);
        if let Some((tiers, raw)) = self.tiers.zip(card.average) {
            let points = student.absences.map(|days| attendance::points(tiers, days));
            let points = points.unwrap_or_default();
            card.average = Some(attendance::apply(raw, points));
            card.raw_average = Some(raw);
            card.attendance_points = Some(points);
        }
        card.grade_counts = self
            .grades
            .iter()
            .map(|band| {
                let count = ranks.get(&band.rank).copied().unwrap_or(0);
                (band.grade.clone(), count)
            })
            .collect();
        card
    }
}

/// Mark × coefficient, both in hundredths: ten-thousandths.
fn weigh(mark: Mark, coefficient: Coefficient) -> i64 {
    mark.hundredths() * coefficient.hundredths()
}

/// The positions of cards among one another, by the figures that they show.
fn positions(cards: &[Card], criteria: &[Criterion]) -> Vec<Option<u32>> {
    let figures: Vec<Option<Vec<i64>>> = cards
        .iter()
        .map(|card| {
            (card.is_complete && card.average.is_some()).then(|| {
                criteria
                    .iter()
                    .flat_map(|&criterion| shown(card, criterion))
                    .collect()
            })
        })
        .collect();
    ranking::positions(&figures)
}

/// The figures of a criterion on a card, the first to compare first.
fn shown(card: &Card, criterion: Criterion) -> Vec<i64> {
    match criterion {
        Criterion::SubjectsPassed => vec![card.subjects_passed.into()],
        Criterion::Grades => card
            .grade_counts
            .iter()
            .map(|(_, count)| i64::from(*count))
            .collect(),
        Criterion::Symbol => vec![card.points.unwrap_or(0).into()],
        // With points for attendance nobody may stand behind who shows a lower average.
        Criterion::TotalMarks => vec![match (card.raw_average, card.average) {
            (Some(_), Some(average)) => average.0,
            _ => card.total.0,
        }],
    }
}

/// Fills what the cards of a class say about the whole class.
fn compare_cards(class: &mut [Card], criteria: &[Criterion]) {
    let positions = positions(class, criteria);
    let size = count(class);
    let averages = class
        .iter()
        .zip(&positions)
        .filter(|(_, position)| position.is_some())
        .filter_map(|(card, _)| card.average);
    let spread = Spread::of(averages);
    for (card, position) in class.iter_mut().zip(positions) {
        card.position_in_class = position;
        card.class_size = size;
        card.class_average = spread.average;
        card.class_highest = spread.highest;
        card.class_lowest = spread.lowest;
    }
}

/// Fills what the cards of a class say about its subjects.
fn compare_subjects(class: &mut [Card]) {
    let mut lines: Vec<&mut SubjectLine> = class
        .iter_mut()
        .flat_map(|card| &mut card.subjects)
        .collect();
    lines.sort_by(|a, b| a.subject.cmp(&b.subject));
    for subject in lines.chunk_by_mut(|a, b| a.subject == b.subject) {
        let marks: Vec<Option<Mark>> = subject.iter().map(|line| line.score.mark()).collect();
        let spread = Spread::of(marks.iter().flatten().map(|&mark| mark.into()));
        for (line, position) in subject.iter_mut().zip(ranking::positions(&marks)) {
            line.position_in_class = position;
            line.class_average = spread.average;
            line.class_highest = spread.highest;
            line.class_lowest = spread.lowest;
            line.number_sat = spread.count;
        }
    }
}

/// Average, highest and lowest of some numbers.
#[derive(Default)]
struct Spread {
    count: u32,
    average: Option<Hundredths>,
    highest: Option<Hundredths>,
    lowest: Option<Hundredths>,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = Hundredths>) -> Self {
        let mut spread = Self::default();
        let mut sum = 0;
        for number in numbers {
            sum += number.0;
            spread.count += 1;
            spread.highest = spread.highest.max(Some(number));
            spread.lowest = Some(spread.lowest.map_or(number, |lowest| lowest.min(number)));
        }
        spread.average = marks::divide(sum, spread.count.into());
        spread
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
