//! Base64 and data URLs: how bytes stand within JSON.

use std::fmt;

use serde::{Serialize, Serializer};

/// `data:MEDIA_TYPE;base64,DATA`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataUrl<'a> {
    /// `image/png`
    pub media_type: &'a str,
    /// The bytes, in base64.
    pub data: &'a str,
}

impl<'a> DataUrl<'a> {
    /// Whether `url` is one at all.
    pub fn is_begun(url: &str) -> bool {
        url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    }

    /// Reads one; `None`: it is none, or not of base64. Parameters of the media type are left off.
    pub fn read(url: &'a str) -> Option<DataUrl<'a>> {
        DataUrl::split(url).filter(|read| is_base64(read.data))
    }

    /// As [`read`](DataUrl::read), whatever its data are.
    pub fn split(url: &'a str) -> Option<DataUrl<'a>> {
        let (head, data) = url.get(5..).filter(|_| DataUrl::is_begun(url))?.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?.split(';').next()?;
        Some(DataUrl { media_type, data })
    }
}

impl fmt::Display for DataUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data:{};base64,{}", self.media_type, self.data)
    }
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether `text` is base64, with its padding or without, told without decoding megabytes.
pub fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let is_whole = if padding == 0 { digits.len() % 4 != 1 } else { padding <= 2 && text.len().is_multiple_of(4) };
    is_whole && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::{DataUrl, is_base64};

    #[test]
    fn a_data_url_is_taken_apart() {
        let read = DataUrl { media_type: "image/png", data: "QUJD" };
        assert_eq!(DataUrl::read("data:image/png;base64,QUJD"), Some(read));
        assert_eq!(DataUrl::read("DATA:image/png;charset=utf-8;base64,QUJD"), Some(read));
        assert_eq!(read.to_string(), "data:image/png;base64,QUJD");
        for none in ["data:image/png,QUJD", "data:image/png;base64,你好", "data:image/png;base64,Q", "https://a.cn/b,c", "数据", "data:"]
        {
            assert_eq!(DataUrl::read(none), None, "{none}");
        }
    }

    #[test]
    fn base64_is_known_by_its_looks() {
        for good in ["QQ==", "QUI=", "QUJD", "QUI", "QUJDRA=="] {
            assert!(is_base64(good), "{good}");
        }
        for bad in ["", "=", "Q", "QQ=", "QUJD=", "QQ===", "你好", "Q Q=", "-_-_"] {
            assert!(!is_base64(bad), "{bad}");
        }
    }
}
