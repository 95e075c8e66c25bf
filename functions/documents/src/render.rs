//! From a request to the bytes of a file.

use homeroom_objects::documents::{DocumentError, DocumentRequest, Packaging, Printed, Sheet};
use krilla::image::Image;

use crate::archive::{self, Archive};
use crate::fonts::Fonts;
use crate::logo;
use crate::page::{Page, real};
use crate::paint::Pdf;
use crate::sheet;
use crate::text::Shaper;

/// Languages that are written from right to left, unless their tag names another script.
const RTL_LANGUAGES: [&str; 14] = [
    "ar", "arc", "azb", "ckb", "dv", "fa", "he", "iw", "nqo", "ps", "sd", "syr", "ug", "ur",
];
const RTL_SCRIPTS: [&str; 10] = [
    "adlm", "arab", "aran", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa",
];

/// A finished file, and what could not be drawn.
#[derive(Debug)]
pub struct Rendered {
    /// The file.
    pub printed: Printed,
    /// How many characters no font has; they are boxes. Those of a heading count for the head of further pages, too.
    pub missing: usize,
    /// How many pages there are in all.
    pub pages: usize,
}

/// Prints a request with the given fonts; equal requests and fonts give equal bytes.
pub fn render(request: &DocumentRequest, fonts: &Fonts) -> Result<Rendered, DocumentError> {
    request.check()?;
    let logo = request
        .letterhead
        .logo
        .as_deref()
        .map(logo::read)
        .transpose()?;
    let language = request.language.as_deref().filter(|tag| is_language(tag));
    let rtl = language.is_some_and(is_rtl);
    let mut work = Work {
        request,
        fonts,
        logo,
        language,
        shaper: Shaper::new(fonts, language, rtl),
        pages: 0,
    };
    let bytes = match request.packaging {
        Packaging::Single => work.single()?,
        Packaging::Separate => work.separate()?,
    };
    Ok(Rendered {
        printed: Printed {
            content_type: request.packaging.content_type(),
            bytes,
        },
        missing: work.shaper.missing,
        pages: work.pages,
    })
}

struct Work<'r> {
    request: &'r DocumentRequest,
    fonts: &'r Fonts,
    logo: Option<Image>,
    language: Option<&'r str>,
    shaper: Shaper<'r>,
    pages: usize,
}

impl Work<'_> {
    fn single(&mut self) -> Result<Vec<u8>, DocumentError> {
        let mut pdf = Pdf::new(self.fonts, self.logo.as_ref());
        for sheet in &self.request.sheets {
            self.print(&mut pdf, sheet);
        }
        let title = self
            .request
            .sheets
            .first()
            .map(title_of)
            .unwrap_or_default();
        let title = if self.request.title.trim().is_empty() {
            title
        } else {
            self.request.title.trim()
        };
        pdf.finish(
            title,
            self.request.letterhead.name.trim(),
            self.language,
            self.shaper.rtl,
            self.request.sheets.len() > 1,
        )
    }

    fn separate(&mut self) -> Result<Vec<u8>, DocumentError> {
        let mut archive = Archive::new();
        for sheet in &self.request.sheets {
            let mut pdf = Pdf::new(self.fonts, self.logo.as_ref());
            self.print(&mut pdf, sheet);
            let pdf = pdf.finish(
                title_of(sheet),
                self.request.letterhead.name.trim(),
                self.language,
                self.shaper.rtl,
                false,
            )?;
            archive.add(&sheet.file_name, &pdf)?;
        }
        archive.finish()
    }

    fn print(&mut self, pdf: &mut Pdf<'_>, sheet: &Sheet) {
        let size = self.logo.as_ref().map(Image::size);
        let size = size.map(|(width, height)| (pixels(width), pixels(height)));
        let pages: Vec<Page> =
            sheet::compose(&mut self.shaper, &self.request.letterhead, size, sheet);
        self.pages += pages.len();
        let (width, height) = crate::page::size_of(sheet.orientation);
        let name = if sheet.file_name.trim().is_empty() {
            title_of(sheet)
        } else {
            &sheet.file_name
        };
        pdf.sheet(&archive::file_name(name), width, height, &pages);
    }
}

fn pixels(count: u32) -> f32 {
    real(usize::try_from(count).unwrap_or_default())
}

fn title_of(sheet: &Sheet) -> &str {
    match sheet.title.trim() {
        "" => sheet.file_name.trim(),
        title => title,
    }
}

fn is_language(tag: &str) -> bool {
    !tag.is_empty()
        && tag.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_rtl(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    match parts.find(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic()))
    {
        Some(script) => RTL_SCRIPTS.contains(&script),
        None => RTL_LANGUAGES.contains(&language),
    }
}
