//! The letterhead's picture.

use base64ct::{Base64, Encoding};
use homeroom_objects::documents::{DocumentError, MAX_LOGO_BYTES, MAX_LOGO_PIXELS};
use krilla::image::Image;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Reads a logo as far as its size; what lies behind its head is found out when it is embedded.
pub(crate) fn read(text: &str) -> Result<Image, DocumentError> {
    let refuse = |why: &str| DocumentError::Logo(why.to_owned());
    let bytes = Base64::decode_vec(text).map_err(|_| refuse("is not base64"))?;
    if bytes.len() > MAX_LOGO_BYTES {
        return Err(refuse(&format!("is larger than {MAX_LOGO_BYTES} bytes")));
    }
    let image = if bytes.starts_with(PNG) {
        Image::from_png(bytes.into(), true)
    } else if bytes.starts_with(JPEG) {
        // Viewers get the bytes as they are, and each makes something else of half a picture.
        let is_whole = has_end(&bytes);
        let image = Image::from_jpeg(bytes.into(), true);
        if image.is_ok() && !is_whole {
            return Err(refuse("is damaged"));
        }
        image
    } else {
        return Err(refuse("is neither a PNG nor a JPEG"));
    };
    let image = image.map_err(|_| refuse("cannot be read"))?;
    let (width, height) = image.size();
    if width.max(height) > MAX_LOGO_PIXELS {
        return Err(refuse(&format!(
            "is more than {MAX_LOGO_PIXELS} pixels wide or high"
        )));
    }
    if width == 0 || height == 0 {
        return Err(refuse("has no size"));
    }
    Ok(image)
}

/// Whether the last scan of a JPEG ends. Within a scan the bytes of a mark cannot occur; a preview before it has marks of
/// its own.
fn has_end(jpeg: &[u8]) -> bool {
    let last = |mark: &[u8]| jpeg.windows(2).rposition(|bytes| bytes == mark);
    last(b"\xff\xda").is_some_and(|scan| last(b"\xff\xd9") > Some(scan))
}
