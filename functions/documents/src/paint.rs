//! From marks on pages to PDF.

use homeroom_objects::documents::DocumentError;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{Metadata, TextDirection};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use crate::fonts::Fonts;
use crate::lines::Line;
use crate::page::{Ink, Mark, Page, Turn};

/// How much thicker a font without a bold cut is drawn, in em.
const THICKER: f32 = 0.03;
/// Fonts before this one have a bold cut.
const FIRST_WITHOUT_BOLD: usize = 2;

/// One file in the making.
pub(crate) struct Pdf<'f> {
    document: Document,
    outline: Outline,
    pages: usize,
    brush: Brush<'f>,
}

/// What is the same on every page.
struct Brush<'f> {
    fonts: &'f Fonts,
    logo: Option<Image>,
}

impl<'f> Pdf<'f> {
    pub(crate) fn new(fonts: &'f Fonts, logo: Option<&Image>) -> Self {
        let settings = SerializeSettings {
            enable_tagging: false,
            ..SerializeSettings::default()
        };
        Self {
            document: Document::new_with(settings),
            outline: Outline::new(),
            pages: 0,
            brush: Brush {
                fonts,
                logo: logo.cloned(),
            },
        }
    }

    /// Adds the pages of a sheet, with a bookmark.
    pub(crate) fn sheet(&mut self, name: &str, width: f32, height: f32, pages: &[Page]) {
        let top = XyzDestination::new(self.pages, Point::from_xy(0.0, 0.0));
        self.outline
            .push_child(OutlineNode::new(name.to_owned(), top));
        for page in pages {
            let Some(settings) = PageSettings::from_wh(width, height) else {
                continue;
            };
            let mut target = self.document.start_page_with(settings);
            let mut surface = target.surface();
            for mark in page {
                self.brush.draw(&mut surface, mark, width, height);
            }
            surface.finish();
            target.finish();
            self.pages += 1;
        }
    }

    pub(crate) fn finish(
        mut self,
        title: &str,
        author: &str,
        language: Option<&str>,
        rtl: bool,
        bookmarks: bool,
    ) -> Result<Vec<u8>, DocumentError> {
        let direction = if rtl {
            TextDirection::RightToLeft
        } else {
            TextDirection::LeftToRight
        };
        let mut metadata = Metadata::new()
            .title(title.to_owned())
            .creator("Homeroom".to_owned())
            .text_direction(direction);
        if !author.is_empty() {
            metadata = metadata.authors(vec![author.to_owned()]);
        }
        if let Some(language) = language {
            metadata = metadata.language(language.to_owned());
        }
        self.document.set_metadata(metadata);
        if bookmarks {
            self.document.set_outline(self.outline);
        }
        self.document.finish().map_err(|error| match error {
            KrillaError::Image(..) | KrillaError::SixteenBitImage(..) => {
                DocumentError::Logo("is damaged".to_owned())
            }
            KrillaError::Font(_, why) => DocumentError::Failed(format!("a font: {why}")),
            other => DocumentError::Failed(other.to_string()),
        })
    }
}

impl Brush<'_> {
    fn draw(&self, surface: &mut Surface<'_>, mark: &Mark, page_width: f32, page_height: f32) {
        match mark {
            Mark::Fill {
                x,
                y,
                width,
                height,
                ink,
            } => {
                let mut path = PathBuilder::new();
                if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                    path.push_rect(rect);
                }
                if let Some(path) = path.finish() {
                    surface.set_stroke(None);
                    surface.set_fill(Some(fill(*ink)));
                    surface.draw_path(&path);
                }
            }
            Mark::Logo {
                x,
                y,
                width,
                height,
            } => {
                if let (Some(logo), Some(size)) = (&self.logo, Size::from_wh(*width, *height)) {
                    surface.push_transform(&Transform::from_translate(*x, *y));
                    surface.draw_image(logo.clone(), size);
                    surface.pop();
                }
            }
            Mark::Text {
                line,
                x,
                y,
                size,
                ink,
                turn,
            } => match turn {
                Turn::None => self.text(surface, line, *x, *y, *size, *ink),
                Turn::Up => {
                    surface.push_transform(&Transform::from_row(0.0, -1.0, 1.0, 0.0, *x, *y));
                    self.text(surface, line, 0.0, 0.0, *size, *ink);
                    surface.pop();
                }
                Turn::Diagonal => {
                    let diagonal = page_width.hypot(page_height);
                    let (sin, cos) = (page_height / diagonal, page_width / diagonal);
                    surface.push_transform(&Transform::from_row(cos, -sin, sin, cos, *x, *y));
                    self.text(surface, line, 0.0, 0.0, *size, *ink);
                    surface.pop();
                }
            },
        }
    }

    fn text(&self, surface: &mut Surface<'_>, line: &Line, x: f32, y: f32, size: f32, ink: Ink) {
        let mut x = x;
        for piece in line.pieces() {
            let Some(face) = self.fonts.face(piece.run.face) else {
                continue;
            };
            let thicker = line.shaped.bold && piece.run.face >= FIRST_WITHOUT_BOLD;
            surface.set_fill(Some(fill(ink)));
            surface.set_stroke(thicker.then(|| Stroke {
                paint: color(ink).into(),
                width: THICKER * size,
                ..Stroke::default()
            }));
            let glyphs: Vec<KrillaGlyph> = piece
                .glyphs
                .iter()
                .map(|glyph| KrillaGlyph {
                    glyph_id: GlyphId::new(glyph.id),
                    text_range: glyph.bytes.clone(),
                    x_advance: glyph.advance,
                    x_offset: glyph.dx,
                    y_offset: glyph.dy,
                    y_advance: 0.0,
                    location: None,
                })
                .collect();
            let start = Point::from_xy(x, y);
            surface.draw_glyphs(
                start,
                &glyphs,
                face.font.clone(),
                &line.shaped.text,
                size,
                false,
            );
            x += piece.glyphs.iter().map(|glyph| glyph.advance).sum::<f32>() * size;
        }
    }
}

fn color((red, green, blue): Ink) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(ink: Ink) -> Fill {
    Fill {
        paint: color(ink).into(),
        opacity: NormalizedF32::ONE,
        ..Fill::default()
    }
}
