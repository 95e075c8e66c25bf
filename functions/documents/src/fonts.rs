//! The fonts of one isolate: two that every document needs, and those that were fetched by script.

use std::sync::Arc;

use harfrust::{FontRef, ShaperData};
use homeroom_objects::documents::DocumentError;
use krilla::text::Font;
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use unicode_bidi::BidiClass;

/// The file of the font that every document needs.
pub const REGULAR: &str = "Regular";
/// The file of its bold cut.
pub const BOLD: &str = "Bold";

/// Where the two fonts are that every document begins with.
pub(crate) const BASE: usize = 0;
const BASE_BOLD: usize = 1;

/// One font file, ready to shape with and to embed.
#[derive(Clone)]
pub(crate) struct Face {
    name: &'static str,
    pub(crate) font: Font,
    data: Arc<Vec<u8>>,
    shaper: Arc<ShaperData>,
    coverage: Arc<Coverage>,
    /// Font units per em.
    pub(crate) units: f32,
}

impl Face {
    fn new(name: &'static str, data: Vec<u8>) -> Result<Self, DocumentError> {
        let unusable = || DocumentError::Failed(format!("the font {name} cannot be used"));
        let data = Arc::new(data);
        let font = Font::new(data.clone().into(), 0).ok_or_else(unusable)?;
        let parsed = FontRef::new(&data).map_err(|_| unusable())?;
        let metrics = parsed.metrics(Size::unscaled(), LocationRef::default());
        let units = f32::from(metrics.units_per_em.max(1));
        let (shaper, coverage) = (ShaperData::new(&parsed), Coverage::of(&parsed));
        Ok(Self {
            name,
            font,
            shaper: Arc::new(shaper),
            coverage: Arc::new(coverage),
            units,
            data,
        })
    }

    /// Lends what shaping needs, and what measures the outlines of glyphs.
    pub(crate) fn shape<T>(
        &self,
        with: impl FnOnce(&harfrust::Shaper<'_>, &GlyphMetrics<'_>) -> T,
    ) -> Option<T> {
        let font = FontRef::new(&self.data).ok()?;
        let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
        Some(with(&self.shaper.shaper(&font).build(), &metrics))
    }
}

/// Fonts to print with.
#[derive(Clone)]
pub struct Fonts {
    faces: Vec<Face>,
}

impl Fonts {
    /// The base from the bytes of [`REGULAR`] and [`BOLD`]: Latin, Greek and Cyrillic.
    pub fn new(regular: Vec<u8>, bold: Vec<u8>) -> Result<Self, DocumentError> {
        Ok(Self {
            faces: vec![Face::new(REGULAR, regular)?, Face::new(BOLD, bold)?],
        })
    }

    /// The base, read from the disk, for tests and tools.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn base() -> Result<Self, DocumentError> {
        Self::new(read(REGULAR)?, read(BOLD)?)
    }

    /// The base and the named files, read from the disk, for tests and tools.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn with_files(names: &[&'static str]) -> Result<Self, DocumentError> {
        let mut fonts = Self::base()?;
        for name in names {
            fonts.add(name, read(name)?)?;
        }
        Ok(fonts)
    }

    /// Adds a file of [`crate::scripts::FILES`].
    pub fn add(&mut self, name: &'static str, bytes: Vec<u8>) -> Result<(), DocumentError> {
        if !self.holds(name) {
            self.faces.push(Face::new(name, bytes)?);
        }
        Ok(())
    }

    /// Whether a file was added.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.faces.iter().any(|face| face.name == name)
    }

    /// Whether some font draws the character, or it is not drawn at all.
    #[must_use]
    pub fn has(&self, character: char) -> bool {
        is_invisible(character) || self.faces.iter().any(|face| face.coverage.has(character))
    }

    pub(crate) fn face(&self, index: usize) -> Option<&Face> {
        self.faces.get(index)
    }

    fn covers(&self, index: usize, character: char) -> bool {
        self.faces
            .get(index)
            .is_some_and(|face| face.coverage.has(character))
    }

    /// The font for a character that follows one in the font `before`.
    pub(crate) fn choose(&self, character: char, before: Option<usize>, bold: bool) -> usize {
        let base = if bold { BASE_BOLD } else { BASE };
        if let Some(before) = before {
            let clings = is_invisible(character)
                || character.is_whitespace()
                || unicode_bidi::bidi_class(character) == BidiClass::NSM;
            if is_invisible(character) || (clings && self.covers(before, character)) {
                return before;
            }
        }
        if self.covers(base, character) {
            return base;
        }
        // The neighbour's font first, so that a sign which several fonts have does not break a word.
        before
            .into_iter()
            .chain(2..self.faces.len())
            .find(|index| self.covers(*index, character))
            .unwrap_or(base)
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn read(name: &str) -> Result<Vec<u8>, DocumentError> {
    let path = format!("{}/fonts/files/{name}.ttf", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).map_err(|error| DocumentError::Failed(format!("the font {name}: {error}")))
}

/// Joiners, direction marks and selectors: they shape their neighbours and have no picture of their own.
fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2060..=0x2064 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xE0100..=0xE01EF)
}

/// The characters of one font, a bit each.
struct Coverage(Vec<u64>);

impl Coverage {
    fn of(font: &FontRef<'_>) -> Self {
        let mut bits = Vec::new();
        for (character, glyph) in font.charmap().mappings() {
            let Ok(word) = usize::try_from(character / 64) else {
                continue;
            };
            if bits.len() <= word {
                bits.resize(word + 1, 0);
            }
            if let Some(bits) = bits.get_mut(word)
                && glyph.to_u32() != 0
            {
                *bits |= 1 << (character % 64);
            }
        }
        Self(bits)
    }

    fn has(&self, character: char) -> bool {
        let character = u32::from(character);
        usize::try_from(character / 64)
            .ok()
            .and_then(|word| self.0.get(word))
            .is_some_and(|bits| bits >> (character % 64) & 1 == 1)
    }
}
