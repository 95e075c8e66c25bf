//! Pages that are being filled: where things go is decided here, in points from the upper left corner.

use std::rc::Rc;

use homeroom_objects::documents::{Align, Orientation, Sheet};

use crate::lines::{self, Line};
use crate::text::{Shaped, Shaper};

/// The short and the long side of A4.
const A4: (f32, f32) = (595.276, 841.89);
/// Where the text starts, and as far from the other side where it ends.
pub(crate) const MARGIN: f32 = 45.0;
const TOP: f32 = 38.0;
const FOOT: f32 = 30.0;
/// Below the running head, with its line.
const RUNNING_GAP: f32 = 16.0;

/// Width and height of a page.
pub(crate) fn size_of(orientation: Orientation) -> (f32, f32) {
    match orientation {
        Orientation::Portrait => A4,
        Orientation::Landscape => (A4.1, A4.0),
    }
}

/// Red, green and blue.
pub(crate) type Ink = (u8, u8, u8);
pub(crate) const TEXT: Ink = (28, 33, 43);
pub(crate) const QUIET: Ink = (96, 105, 120);
pub(crate) const ACCENT: Ink = (27, 56, 100);
pub(crate) const HAIRLINE: Ink = (203, 210, 220);
pub(crate) const BAND: Ink = (238, 242, 248);
const PALE: Ink = (232, 235, 241);

/// What is drawn, in this order.
pub(crate) enum Mark {
    /// A line of text; `x` is its left end, `y` its baseline.
    Text {
        line: Line,
        x: f32,
        y: f32,
        size: f32,
        ink: Ink,
        turn: Turn,
    },
    /// A filled rectangle.
    Fill {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
    /// The letterhead's logo.
    Logo {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
}

/// How a line of text lies.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Turn {
    None,
    /// From the bottom to the top.
    Up,
    /// Rising.
    Diagonal,
}

/// The marks of one page.
pub(crate) type Page = Vec<Mark>;

/// How a text is set.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) size: f32,
    pub(crate) bold: bool,
    pub(crate) ink: Ink,
}

/// Lines of one text under each other.
pub(crate) struct Block {
    pub(crate) lines: Vec<Line>,
    pub(crate) style: Style,
    pub(crate) leading: f32,
    /// From the top of a line to where its letters stand.
    pub(crate) ascent: f32,
    pub(crate) rtl: bool,
}

impl Block {
    pub(crate) fn height(&self) -> f32 {
        real(self.lines.len()) * self.leading
    }

    pub(crate) fn width(&self) -> f32 {
        self.lines.iter().map(|line| line.width).fold(0.0, f32::max) * self.style.size
    }
}

/// Blocks side by side whose first lines stand on one baseline: how far down it is, and how high they are together.
pub(crate) fn row_of<'b>(blocks: impl Iterator<Item = &'b Block> + Clone) -> (f32, f32) {
    let baseline = blocks.clone().map(|block| block.ascent).fold(0.0, f32::max);
    let height = blocks
        .map(|block| baseline - block.ascent + block.height())
        .fold(0.0, f32::max);
    (baseline, height)
}

/// One sheet on its way onto pages.
pub(crate) struct Composer<'s, 'f> {
    pub(crate) shaper: &'s mut Shaper<'f>,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) pages: Vec<Page>,
    /// Where the next thing goes.
    pub(crate) y: f32,
    /// What must not be passed.
    pub(crate) bottom: f32,
    /// What stands at the head of every page but the first.
    running: Option<Block>,
    footer: Block,
    watermark: Option<Rc<Shaped>>,
}

impl<'s, 'f> Composer<'s, 'f> {
    pub(crate) fn new(shaper: &'s mut Shaper<'f>, sheet: &Sheet) -> Self {
        let (width, height) = size_of(sheet.orientation);
        let small = Style {
            size: 7.5,
            bold: false,
            ink: QUIET,
        };
        // The page number has the rest of the line.
        let footer = block(shaper, &sheet.footer, small, width - 2.0 * MARGIN - 60.0);
        let parts = [&sheet.title, &sheet.subtitle].map(|text| text.trim());
        let parts: Vec<&str> = parts.into_iter().filter(|text| !text.is_empty()).collect();
        let running = Style {
            size: 8.0,
            bold: false,
            ink: QUIET,
        };
        let running = (!parts.is_empty())
            .then(|| block(shaper, &parts.join("  ·  "), running, width - 2.0 * MARGIN));
        let watermark = sheet
            .watermark
            .as_deref()
            .filter(|text| !text.trim().is_empty());
        let watermark = watermark.map(|text| shaper.shape(text, true));
        let mut composer = Self {
            shaper,
            width,
            height,
            pages: Vec::new(),
            y: TOP,
            bottom: height - FOOT - footer.height().max(footer.leading) - 14.0,
            running,
            footer,
            watermark,
        };
        composer.begin();
        composer
    }

    /// How wide the text is.
    pub(crate) fn measure(&self) -> f32 {
        self.width - 2.0 * MARGIN
    }

    fn begin(&mut self) {
        let mut page = Page::new();
        if let Some(shaped) = &self.watermark {
            page.extend(watermark(shaped, self.width, self.height));
        }
        self.pages.push(page);
        self.y = TOP;
    }

    /// How much room a new page has.
    pub(crate) fn fresh(&self) -> f32 {
        let running = self
            .running
            .as_ref()
            .map_or(0.0, |block| block.height() + RUNNING_GAP);
        self.bottom - TOP - running
    }

    /// Goes on on a new page.
    pub(crate) fn turn_over(&mut self) {
        self.begin();
        let Some(running) = self.running.take() else {
            return;
        };
        let (start, measure) = (MARGIN, self.measure());
        self.put(&running, start, measure, self.y, Align::Start);
        self.y += running.height() + RUNNING_GAP;
        self.fill(start, self.y - 12.0, measure, 0.5, HAIRLINE);
        self.running = Some(running);
    }

    /// Goes on on a new page unless there is so much room on this one.
    pub(crate) fn need(&mut self, height: f32) {
        if self.y + height > self.bottom {
            self.turn_over();
        }
    }

    /// Sets a text in lines of a width.
    pub(crate) fn block(&mut self, text: &str, style: Style, width: f32) -> Block {
        block(self.shaper, text, style, width)
    }

    /// Draws a block at a height; `x` counts from the side where lines start.
    pub(crate) fn put(&mut self, block: &Block, x: f32, width: f32, y: f32, align: Align) {
        self.put_lines(block, 0..block.lines.len(), x, width, y, align);
    }

    /// Draws some lines of a block, the first of them at the height.
    pub(crate) fn put_lines(
        &mut self,
        block: &Block,
        range: std::ops::Range<usize>,
        x: f32,
        width: f32,
        y: f32,
        align: Align,
    ) {
        let left = self.left(x, width);
        let lines = block.lines.get(range).unwrap_or_default();
        for (index, line) in lines.iter().enumerate() {
            let rest = width - line.width * block.style.size;
            let indent = match (align, self.shaper.rtl) {
                (Align::Start, false) | (Align::End, true) => 0.0,
                (Align::End, false) | (Align::Start, true) => rest,
                (Align::Center, _) => rest / 2.0,
            };
            self.mark(Mark::Text {
                line: line.clone(),
                x: left + indent,
                y: y + real(index) * block.leading + block.ascent,
                size: block.style.size,
                ink: block.style.ink,
                turn: Turn::None,
            });
        }
    }

    /// Fills a rectangle; `x` counts from the side where lines start.
    pub(crate) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        let x = self.left(x, width);
        self.mark(Mark::Fill {
            x,
            y,
            width,
            height,
            ink,
        });
    }

    /// The left edge of a box that is `x` away from the side where lines start.
    pub(crate) fn left(&self, x: f32, width: f32) -> f32 {
        if self.shaper.rtl {
            self.width - x - width
        } else {
            x
        }
    }

    pub(crate) fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    /// Adds what needs the number of pages, and hands them over.
    pub(crate) fn finish(mut self) -> Vec<Page> {
        let done = std::mem::take(&mut self.pages);
        let total = done.len();
        let (start, measure) = (MARGIN, self.measure());
        let mut finished = Vec::with_capacity(total);
        for (index, page) in done.into_iter().enumerate() {
            self.pages.push(page);
            let height = self.footer.height().max(self.footer.leading);
            let y = self.height - FOOT - height;
            self.fill(start, y - 5.0, measure, 0.5, HAIRLINE);
            let footer = std::mem::replace(&mut self.footer, empty());
            self.put(&footer, start, measure - 60.0, y, Align::Start);
            let number = self.block(&format!("{} / {total}", index + 1), footer.style, 60.0);
            self.put(&number, start + measure - 60.0, 60.0, y, Align::End);
            self.footer = footer;
            finished.append(&mut self.pages);
        }
        finished
    }
}

fn empty() -> Block {
    let style = Style {
        size: 7.5,
        bold: false,
        ink: QUIET,
    };
    Block {
        lines: Vec::new(),
        style,
        leading: 0.0,
        ascent: 0.0,
        rtl: false,
    }
}

fn block(shaper: &mut Shaper<'_>, text: &str, style: Style, width: f32) -> Block {
    let shaped = shaper.shape(text, style.bold);
    // A single sign can be wider than a column (U+FDFD is ten letters wide); it cannot be broken, so it shrinks.
    let widest = shaped
        .clusters
        .iter()
        .map(|cluster| cluster.advance)
        .fold(0.1, f32::max);
    let style = Style {
        size: style.size.min(width / widest),
        ..style
    };
    let lines = if shaped.clusters.is_empty() {
        Vec::new()
    } else {
        lines::wrap(&shaped, width / style.size)
    };
    let leading = (shaped.ascent + shaped.descent).max(1.3);
    let spare = leading - shaped.ascent - shaped.descent;
    Block {
        lines,
        style,
        leading: leading * style.size,
        ascent: (shaped.ascent + spare / 2.0) * style.size,
        rtl: shaped.rtl,
    }
}

fn watermark(shaped: &Rc<Shaped>, width: f32, height: f32) -> Option<Mark> {
    let line = lines::wrap(shaped, f32::INFINITY).pop()?;
    let diagonal = width.hypot(height);
    let size = (0.72 * diagonal / line.width.max(0.1)).min(130.0);
    let (along, below) = (line.width * size / 2.0, 0.35 * size);
    let (sin, cos) = (height / diagonal, width / diagonal);
    Some(Mark::Text {
        // The middle of the text on the middle of the page.
        x: width / 2.0 - along * cos + below * sin,
        y: height / 2.0 + along * sin + below * cos,
        line,
        size,
        ink: PALE,
        turn: Turn::Diagonal,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of lines are far below 2^24"
)]
pub(crate) fn real(count: usize) -> f32 {
    count as f32
}
