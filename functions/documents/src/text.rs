//! From text to glyphs: fonts are chosen, directions resolved, and every run of letters is shaped.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use harfrust::{Direction, Language, Script, ShapeOptions, ShapePlan, Tag, UnicodeBuffer};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};
use unicode_script::{Script as UnicodeScript, UnicodeScript as _};

use crate::clean;
use crate::fonts::Fonts;

/// Room above and below the line that every text has, in em; more where its glyphs reach further.
const ASCENT: f32 = 1.0;
const DESCENT: f32 = 0.28;
/// Between what reaches furthest and the next line, in em.
const AIR: f32 = 0.06;
/// Texts that are long or many are not remembered; those that repeat are short.
const REMEMBERED_BYTES: usize = 96;
const REMEMBERED_TEXTS: usize = 10_000;

/// One text, shaped; all lengths are in em.
pub(crate) struct Shaped {
    pub(crate) text: String,
    pub(crate) bold: bool,
    /// Whether the text as a whole runs from right to left.
    pub(crate) rtl: bool,
    pub(crate) runs: Vec<Run>,
    /// What cannot be taken apart, in the order of the text.
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) ascent: f32,
    pub(crate) descent: f32,
    /// How many characters no font has.
    pub(crate) missing: usize,
}

/// Letters of one font, script and direction.
pub(crate) struct Run {
    pub(crate) face: usize,
    pub(crate) level: u8,
    /// From left to right.
    pub(crate) glyphs: Vec<Glyph>,
}

/// One picture of a font.
pub(crate) struct Glyph {
    pub(crate) id: u32,
    pub(crate) bytes: Range<usize>,
    pub(crate) advance: f32,
    pub(crate) dx: f32,
    pub(crate) dy: f32,
}

/// Characters that became glyphs together.
pub(crate) struct Cluster {
    pub(crate) run: usize,
    pub(crate) glyphs: Range<usize>,
    pub(crate) advance: f32,
    pub(crate) is_space: bool,
    /// Whether a line may begin with it.
    pub(crate) may_begin: bool,
}

struct Item {
    face: usize,
    level: u8,
    script: Option<UnicodeScript>,
    bytes: Range<usize>,
}

/// Shapes the texts of one request.
pub(crate) struct Shaper<'f> {
    pub(crate) fonts: &'f Fonts,
    /// Whether the document's language is written from right to left.
    pub(crate) rtl: bool,
    language: Option<Language>,
    plans: HashMap<(usize, Option<UnicodeScript>, bool), ShapePlan>,
    known: HashMap<(String, bool), Rc<Shaped>>,
    pub(crate) missing: usize,
}

impl<'f> Shaper<'f> {
    pub(crate) fn new(fonts: &'f Fonts, language: Option<&str>, rtl: bool) -> Self {
        Self {
            fonts,
            rtl,
            language: language.and_then(|tag| tag.parse().ok()),
            plans: HashMap::new(),
            known: HashMap::new(),
            missing: 0,
        }
    }

    /// Shapes a text as one line.
    pub(crate) fn shape(&mut self, text: &str, bold: bool) -> Rc<Shaped> {
        let text = clean::line(text);
        if text.len() > REMEMBERED_BYTES {
            return Rc::new(self.work(text, bold));
        }
        let key = (text, bold);
        if let Some(shaped) = self.known.get(&key) {
            return shaped.clone();
        }
        if self.known.len() >= REMEMBERED_TEXTS {
            self.known.clear();
        }
        let shaped = Rc::new(self.work(key.0.clone(), bold));
        self.known.insert(key, shaped.clone());
        shaped
    }

    fn work(&mut self, text: String, bold: bool) -> Shaped {
        let (levels, rtl) = self.levels(&text);
        let mut shaped = Shaped {
            bold,
            rtl,
            runs: Vec::new(),
            clusters: Vec::new(),
            ascent: ASCENT,
            descent: DESCENT,
            missing: 0,
            text,
        };
        let breaks: HashSet<usize> = unicode_linebreak::linebreaks(&shaped.text)
            .map(|(at, _)| at)
            .collect();
        for item in self.items(&shaped.text, &levels, bold) {
            self.run(&mut shaped, &item, &breaks);
        }
        self.missing += shaped.missing;
        shaped
    }

    /// The level of every byte, and whether the whole runs from right to left.
    fn levels(&self, text: &str) -> (Vec<Level>, bool) {
        let first = text
            .chars()
            .map(bidi_class)
            .find(|class| matches!(class, BidiClass::L | BidiClass::R | BidiClass::AL));
        let rtl = first.map_or(self.rtl, |class| class != BidiClass::L);
        let level = if rtl { Level::rtl() } else { Level::ltr() };
        (BidiInfo::new(text, Some(level)).levels, rtl)
    }

    fn items(&self, text: &str, levels: &[Level], bold: bool) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for (at, character) in text.char_indices() {
            let level = levels.get(at).map_or(0, Level::number);
            let face = self
                .fonts
                .choose(character, items.last().map(|item| item.face), bold);
            let script = Some(character.script()).filter(|script| {
                !matches!(
                    script,
                    UnicodeScript::Common | UnicodeScript::Inherited | UnicodeScript::Unknown
                )
            });
            let end = at + character.len_utf8();
            match items.last_mut() {
                Some(last)
                    if last.face == face
                        && last.level == level
                        && (script.is_none() || last.script.is_none() || last.script == script) =>
                {
                    last.bytes.end = end;
                    last.script = last.script.or(script);
                }
                _ => items.push(Item {
                    face,
                    level,
                    script,
                    bytes: at..end,
                }),
            }
        }
        items
    }

    fn run(&mut self, shaped: &mut Shaped, item: &Item, breaks: &HashSet<usize>) {
        let Some(face) = self.fonts.face(item.face) else {
            return;
        };
        let rtl = item.level % 2 == 1;
        let direction = if rtl {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        };
        let text = shaped.text.get(item.bytes.clone()).unwrap_or_default();
        let script = item.script.and_then(|script| {
            Script::from_iso15924_tag(Tag::from_be_bytes(script.as_iso15924_tag().to_be_bytes()))
        });
        let mut buffer = UnicodeBuffer::new();
        for (at, character) in text.char_indices() {
            buffer.add(
                character,
                u32::try_from(item.bytes.start + at).unwrap_or(u32::MAX),
            );
        }
        buffer.set_direction(direction);
        if let Some(script) = script {
            buffer.set_script(script);
        }
        if let Some(language) = self.language.clone() {
            buffer.set_language(language);
        }
        let (plans, language) = (&mut self.plans, self.language.as_ref());
        let glyphs = face.shape(|shaper, metrics| {
            let plan = plans
                .entry((item.face, item.script, rtl))
                .or_insert_with(|| {
                    ShapePlan::new(shaper, direction, buffer.script().into(), language, &[])
                });
            let buffer = shaper.shape(buffer, ShapeOptions::new().plan(Some(plan)));
            let glyphs = buffer.glyph_infos().iter().zip(buffer.glyph_positions());
            let glyphs = glyphs.map(|(info, place)| {
                let start = usize::try_from(info.cluster).unwrap_or_default();
                let dy = em(place.y_offset, face.units);
                if let Some(ink) = metrics.bounds(info.glyph_id.into()) {
                    let (top, bottom) = (ink.y_max / face.units + dy, ink.y_min / face.units + dy);
                    shaped.ascent = shaped.ascent.max(top + AIR);
                    shaped.descent = shaped.descent.max(AIR - bottom);
                }
                Glyph {
                    id: info.glyph_id,
                    bytes: start..start,
                    advance: em(place.x_advance, face.units),
                    dx: em(place.x_offset, face.units),
                    dy,
                }
            });
            glyphs.collect::<Vec<Glyph>>()
        });
        let Some(mut glyphs) = glyphs else { return };

        let run = shaped.runs.len();
        let mut clusters = clusters_of(&mut glyphs, run, rtl, item.bytes.end);
        for cluster in &mut clusters {
            let bytes = glyphs
                .get(cluster.glyphs.start)
                .map(|glyph| glyph.bytes.clone());
            let bytes = bytes.unwrap_or_default();
            let source = shaped.text.get(bytes.clone()).unwrap_or_default();
            cluster.is_space = !source.is_empty() && source.chars().all(char::is_whitespace);
            cluster.may_begin = breaks.contains(&bytes.start);
            let lost = |glyph: &Glyph| glyph.id == 0;
            if glyphs
                .get(cluster.glyphs.clone())
                .is_some_and(|glyphs| glyphs.iter().any(lost))
            {
                shaped.missing += 1;
            }
        }
        shaped.clusters.extend(clusters);
        shaped.runs.push(Run {
            face: item.face,
            level: item.level,
            glyphs,
        });
    }
}

/// Glyphs that came of the same characters, in the order of the text; tells each glyph where its characters end.
fn clusters_of(glyphs: &mut [Glyph], run: usize, rtl: bool, end: usize) -> Vec<Cluster> {
    let mut clusters: Vec<(usize, Cluster)> = Vec::new();
    for (at, glyph) in glyphs.iter().enumerate() {
        match clusters.last_mut() {
            Some((start, cluster)) if *start == glyph.bytes.start => {
                cluster.glyphs.end = at + 1;
                cluster.advance += glyph.advance;
            }
            _ => clusters.push((
                glyph.bytes.start,
                Cluster {
                    run,
                    glyphs: at..at + 1,
                    advance: glyph.advance,
                    is_space: false,
                    may_begin: false,
                },
            )),
        }
    }
    if rtl {
        clusters.reverse();
    }
    let mut ends: Vec<usize> = clusters.iter().skip(1).map(|(start, _)| *start).collect();
    ends.push(end);
    for ((start, cluster), end) in clusters.iter().zip(ends) {
        for glyph in glyphs.get_mut(cluster.glyphs.clone()).unwrap_or_default() {
            glyph.bytes = *start..end.max(*start);
        }
    }
    clusters.into_iter().map(|(_, cluster)| cluster).collect()
}

#[expect(clippy::cast_precision_loss, reason = "font units are far below 2^24")]
fn em(units: i32, per_em: f32) -> f32 {
    units as f32 / per_em
}
