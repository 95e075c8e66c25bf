//! Lists of cards: a page of those that are published, by what the database keeps of them, and of those that have to be
//! worked out first.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

use homeroom_domain::{academics::marks::Hundredths, permissions::school::ViewReportCard};
use homeroom_edge::{ApiError, Ids, Json, List, Query, SchoolCan};
use homeroom_kernel::{
    Listing, PageRequest,
    page::{FilterKind, FilterValue},
    search,
};
use homeroom_store::{
    Page, StoreError,
    school::report_cards::{
        CardKey, ClassSize, Depth, Which, find_keys, find_page, find_published,
    },
};
use utoipa::IntoParams;

use super::{build, card::ReportCardOut, cards::seen, sees_all};

/// What cards can be filtered and ordered by: in the database those that are published, here those that are worked out.
static LISTING: Listing = Listing {
    orderings: &[
        ("position", "position"),
        ("student_name", "student_name"),
        ("student_number", "student_number"),
        ("average", "average"),
    ],
    default_ordering: "position",
    search: &["student"],
    filters: &[
        ("academic_class", FilterKind::Id, "academic_class"),
        ("is_complete", FilterKind::Bool, "is_complete"),
        ("is_outdated", FilterKind::Bool, "is_outdated"),
        ("is_withheld", FilterKind::Bool, "is_withheld"),
    ],
};

/// What cards can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the listing reads them"
)]
pub(crate) struct ReportCardFilters {
    /// Text in the student's name or number.
    #[param(max_length = 100)]
    search: Option<String>,
    /// The class.
    academic_class: Option<uuid::Uuid>,
    /// Whether no mark is missing.
    is_complete: Option<bool>,
    /// Whether something was corrected since the card was published.
    is_outdated: Option<bool>,
    /// Whether only the staff may see it.
    is_withheld: Option<bool>,
}

/// What cards are ordered by, as the database orders them.
struct Key {
    place: (Option<usize>, (bool, bool, Option<u32>)),
    name: String,
    number: String,
    average: Option<Hundredths>,
    id: String,
}

impl Key {
    fn compare(&self, other: &Self, ordering: &[(&'static str, bool)]) -> Ordering {
        let turned = |order: Ordering, descending| {
            if descending { order.reverse() } else { order }
        };
        let mut orders = ordering.iter().map(|(name, descending)| {
            let order = match *name {
                "student_name" => self.name.cmp(&other.name),
                "student_number" => self.number.cmp(&other.number),
                "average" => self.average.cmp(&other.average),
                _ => self.place.cmp(&other.place),
            };
            turned(order, *descending)
        });
        let descending = ordering.first().is_some_and(|(_, descending)| *descending);
        orders
            .find(|order| order.is_ne())
            .unwrap_or_else(|| turned(self.id.cmp(&other.id), descending))
    }
}

/// A card of a list that is read when it is on the page.
enum Entry {
    Read(Box<ReportCardOut>),
    /// Published, by the student's registration.
    Unread(String),
}

/// Where each class stands.
struct Places<'a>(HashMap<&'a str, usize>);

impl<'a> Places<'a> {
    fn of(classes: &'a [ClassSize]) -> Self {
        let names = classes.iter().map(|class| class.id.as_str());
        Self(names.zip(0..).collect())
    }

    fn card(&self, card: ReportCardOut) -> (Key, Entry) {
        let body = &card.body;
        let key = Key {
            place: (self.class(&body.academic_class), body.place()),
            name: body.student_name.to_ascii_lowercase(),
            number: body.student_number.clone(),
            average: body.average,
            id: card.id.clone(),
        };
        (key, Entry::Read(Box::new(card)))
    }

    fn unread(&self, row: CardKey) -> (Key, Entry) {
        let place = (
            row.position_in_class.is_none(),
            row.is_complete == 0,
            row.position_in_class,
        );
        let key = Key {
            place: (self.class(&row.academic_class), place),
            name: row.student_name.to_ascii_lowercase(),
            number: row.student_number,
            average: row.average,
            id: row.student_session.clone(),
        };
        (key, Entry::Unread(row.student_session))
    }

    fn class(&self, id: &str) -> Option<usize> {
        self.0.get(id).copied()
    }
}

/// Which classes have to be worked out for a page of cards.
struct Span {
    which: Which,
    /// Classes whose cards are all published, and on the page by what the database keeps of them.
    unread: Vec<String>,
    /// How many cards there are; none: as many as are found.
    count: Option<u64>,
    /// How many come before those of these classes.
    before: u64,
}

/// By class and position a page is of a few classes, which the number of cards in each tells. Whatever else is asked for,
/// the classes in which somebody has no published card have to be worked out.
fn span(classes: &[ClassSize], is_everything: bool, request: &PageRequest) -> Span {
    let names = |classes: &[ClassSize]| classes.iter().map(|class| class.id.clone()).collect();
    let of_class = |(name, _): &(&str, FilterValue)| *name == "academic_class";
    let is_plain = request.search.is_none()
        && request.filters.iter().all(of_class)
        && request.ordering == [("position", false)];
    if !is_plain {
        let (open, shut): (Vec<ClassSize>, Vec<ClassSize>) =
            classes.iter().cloned().partition(|class| class.live > 0);
        let unread: Vec<ClassSize> = shut
            .into_iter()
            .filter(|class| class.published > 0)
            .collect();
        let which = if !unread.is_empty() {
            Which::Classes(names(&open))
        } else if is_everything {
            Which::All
        } else {
            Which::Classes(names(classes))
        };
        return Span {
            which,
            unread: names(&unread),
            count: None,
            before: 0,
        };
    }
    let (mut first, mut before, mut count) = (0, 0, 0);
    let mut end = 0;
    let last = request.offset() + u64::from(request.page_size);
    for (number, class) in classes.iter().enumerate() {
        if count + class.cards() <= request.offset() {
            (first, before) = (number + 1, count + class.cards());
        }
        if count < last {
            end = number + 1;
        }
        count += class.cards();
    }
    let on_page = classes.get(first..end.max(first)).unwrap_or_default();
    Span {
        which: Which::Classes(names(on_page)),
        unread: Vec::new(),
        count: Some(count),
        before,
    }
}

/// Whether a card that was read is in the list.
fn fits(request: &PageRequest, card: &ReportCardOut) -> bool {
    let is = |value: &FilterValue, truth: bool| *value == FilterValue::Bool(truth);
    let fits = |(name, value): &(&str, FilterValue)| match *name {
        "academic_class" => *value == FilterValue::Text(card.body.academic_class.clone()),
        "is_complete" => is(value, card.body.is_complete),
        "is_outdated" => is(value, card.is_outdated),
        _ => is(value, card.is_withheld),
    };
    let named = request.search.as_deref().is_none_or(|wanted| {
        let texts = [&card.body.student_name, &card.body.student_number];
        let texts = texts.map(|text| search::folded(text));
        search::words(wanted).all(|word| {
            let word = search::folded(word);
            texts.iter().any(|text| text.contains(&word))
        })
    });
    named && request.filters.iter().all(fits)
}

/// Report cards of an exam session
///
/// Worked out now until they are published; then as they were published. Class teachers see the classes that they
/// lead; who publishes, withholds or corrects marks sees all. By class and position where no other order is asked for.
#[utoipa::path(get, path = "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/",
    tag = "report-cards", params(("session" = uuid::Uuid, Path), ("exam_session" = uuid::Uuid, Path), ReportCardFilters),
    responses((status = 200, body = List<ReportCardOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_report_cards(
    caller: SchoolCan<ViewReportCard>,
    ids: Ids,
    query: Query,
) -> Result<Json<List<ReportCardOut>>, ApiError> {
    let request = query.page(&LISTING)?;
    let (session, exam_session) = (ids.get("session")?, ids.get("exam_session")?);
    let (db, user, sees_all) = (&caller.db, caller.actor.user, sees_all(&caller));
    let found = find_page(db, session, exam_session, user, sees_all, &request);
    let (mut classes, page) = found.await?;
    let wanted = request.filters.iter().find_map(|filter| match filter {
        ("academic_class", FilterValue::Text(id)) => Some(id),
        _ => None,
    });
    classes.retain(|class| {
        (sees_all || class.is_led != 0) && wanted.is_none_or(|wanted| class.id == *wanted)
    });
    let live: u64 = classes.iter().map(|class| class.live).sum();
    let respond = |page| Ok(List::new(&caller.context, &query, &request, page));
    // Where every card is published, the database knows what is on the page.
    if live == 0 && classes.iter().any(|class| class.published > 0) {
        let Page { count, rows } = page.within(&request)?;
        let rows = find_published(db, exam_session, &rows).await?;
        let rows = rows.iter().map(build::listed).collect::<Result<_, _>>()?;
        return respond(Page { count, rows });
    }
    let span = span(&classes, sees_all && wanted.is_none(), &request);
    let (_, cards) = seen(&caller, &ids, &span.which, None, Depth::Cards).await?;
    let places = Places::of(&classes);
    let cards = cards.into_iter().filter(|card| fits(&request, card));
    let mut entries: Vec<(Key, Entry)> = cards.map(|card| places.card(card)).collect();
    if !span.unread.is_empty() {
        let keys = find_keys(db, exam_session, &span.unread, &request).await?;
        entries.extend(keys.into_iter().map(|row| places.unread(row)));
    }
    entries.sort_by(|(a, _), (b, _)| a.compare(b, &request.ordering));
    let count = span.count.unwrap_or(entries.len() as u64);
    if request.page > 1 && request.offset() >= count {
        return Err(StoreError::NoSuchPage.into());
    }
    let skipped = usize::try_from(request.offset() - span.before).unwrap_or(usize::MAX);
    let shown = entries.into_iter().skip(skipped);
    let shown: Vec<Entry> = shown
        .take(request.page_size as usize)
        .map(|(_, entry)| entry)
        .collect();
    let unread: Vec<String> = shown
        .iter()
        .filter_map(|entry| match entry {
            Entry::Unread(id) => Some(id.clone()),
            Entry::Read(_) => None,
        })
        .collect();
    let mut published = BTreeMap::new();
    if !unread.is_empty() {
        for row in &find_published(db, exam_session, &unread).await? {
            published.insert(row.card.student_session.clone(), build::listed(row)?);
        }
    }
    let rows = shown.into_iter().filter_map(|entry| match entry {
        Entry::Read(card) => Some(*card),
        Entry::Unread(id) => published.remove(&id),
    });
    let rows = rows.collect();
    respond(Page { count, rows })
}
