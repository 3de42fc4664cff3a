//! What a file holds, told from its bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dialects::data_url::DataUrl;

/// What a file holds, as far as models can be shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// UTF-8, without a byte order mark.
    Text(String),
    /// PNG, JPEG, GIF or WebP.
    Image(Encoded),
    /// A PDF.
    Pdf(Encoded),
}

/// Bytes that travel in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// `image/png`
    pub media_type: &'static str,
    /// The bytes themselves.
    pub data: Vec<u8>,
}

/// Why a file cannot be shown to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Text in another encoding.
    Utf16,
    /// Text up to this byte.
    NotUtf8(usize),
    /// Neither text nor anything else that is known.
    Binary,
}

impl Content {
    /// Looks at the bytes of a file.
    pub fn of(bytes: Vec<u8>) -> Result<Content, Unfit> {
        if let Some(media_type) = image_type(&bytes) {
            return Ok(Content::Image(Encoded { media_type, data: bytes }));
        }
        if bytes.starts_with(b"%PDF-") {
            return Ok(Content::Pdf(Encoded { media_type: "application/pdf", data: bytes }));
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Unfit::Utf16);
        }
        if bytes.contains(&0) {
            return Err(Unfit::Binary);
        }
        let text = String::from_utf8(bytes).map_err(|error| Unfit::NotUtf8(error.utf8_error().valid_up_to()))?;
        Ok(Content::Text(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        match self {
            Content::Text(text) => text.len(),
            Content::Image(encoded) | Content::Pdf(encoded) => encoded.data.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Encoded {
    /// As it stands in a request.
    pub fn data_url(&self) -> String {
        DataUrl { media_type: self.media_type, data: &STANDARD.encode(&self.data) }.to_string()
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.media_type, self.data.len())
    }
}

impl Unfit {
    /// What to do about it.
    pub fn way_out(self) -> &'static str {
        match self {
            Unfit::Utf16 => "nothing was sent; convert it first: `iconv -f utf-16 -t utf-8`",
            Unfit::NotUtf8(_) => "nothing was sent; convert it first, for example with `iconv -f gb18030 -t utf-8`",
            Unfit::Binary => "nothing was sent; convert it to text, PNG, JPEG, GIF, WebP or PDF",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Utf16 => f.write_str("is UTF-16 text, not UTF-8"),
            Unfit::NotUtf8(position) => write!(f, "is not UTF-8 text (byte {position}), nor an image or a PDF"),
            Unfit::Binary => f.write_str("is neither text, nor an image that models know, nor a PDF"),
        }
    }
}

fn image_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Unfit};

    #[test]
    fn what_a_file_is_its_first_bytes_say() {
        let media_type = |bytes: &[u8]| match Content::of(bytes.to_vec()).unwrap() {
            Content::Text(text) => panic!("text: {text}"),
            Content::Image(encoded) | Content::Pdf(encoded) => encoded.media_type,
        };
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n\0\0"), "image/png");
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), "image/jpeg");
        assert_eq!(media_type(b"GIF89a"), "image/gif");
        assert_eq!(media_type(b"RIFF\x01\x02\x03\x04WEBPVP8 "), "image/webp");
        assert_eq!(media_type(b"%PDF-1.7\n\xe2\xe3"), "application/pdf");
    }

    #[test]
    fn text_is_utf8_and_nothing_else() {
        assert_eq!(Content::of("\u{feff}标题\n".into()), Ok(Content::Text("标题\n".to_owned())));
        assert_eq!(Content::of(Vec::new()), Ok(Content::Text(String::new())));
        assert_eq!(Content::of(b"\xff\xfeh\0i\0".to_vec()), Err(Unfit::Utf16));
        assert_eq!(Content::of(b"ab\xc4\xe3".to_vec()), Err(Unfit::NotUtf8(2)));
        assert_eq!(Content::of(b"\x7fELF\x02\0\0".to_vec()), Err(Unfit::Binary));
    }
}
