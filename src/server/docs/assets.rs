//! The files of the page, as they are served: packed where they are large, with a tag by which a browser asks whether it has
//! them already, and under a policy that lets nothing of other hosts in.
//!
//! Swagger UI is the release that `assets/README.md` names, as its makers packed it.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::engine::Error;
use crate::server::error::Rejection;
use crate::transport::decode::{Encoding, decoder};

/// Only what is ours, and the pictures within Swagger UI's own styles; nothing written into the page, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The API as an OpenAPI document.
pub(super) const DOCUMENT: &[u8] = include_bytes!("../../../docs/openapi.json");

/// A file in memory.
pub(super) struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: Bytes,
    /// With gzip.
    is_packed: bool,
    /// Weak, for it is the same packed and unpacked.
    tag: HeaderValue,
}

static PAGE: LazyLock<Asset> =
    LazyLock::new(|| Asset::plain("", "text/html; charset=utf-8", Bytes::from_static(include_bytes!("assets/page.html"))));

static OPENAPI: LazyLock<Asset> = LazyLock::new(|| Asset::plain("", "application/json", Bytes::from_static(DOCUMENT)));

static FILES: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    let script = "text/javascript; charset=utf-8";
    [
        Asset::plain("page.js", script, Bytes::from_static(include_bytes!("assets/page.js"))),
        Asset::packed("swagger-ui.css", "text/css; charset=utf-8", include_bytes!("assets/swagger-ui.css.gz")),
        Asset::packed("swagger-ui-bundle.js", script, include_bytes!("assets/swagger-ui-bundle.js.gz")),
        Asset::packed("licenses.txt", "text/plain; charset=utf-8", include_bytes!("assets/licenses.txt.gz")),
    ]
});

/// The page itself.
pub(super) fn page() -> &'static Asset {
    &PAGE
}

/// The document.
pub(super) fn openapi() -> &'static Asset {
    &OPENAPI
}

/// What the page is made of.
pub(super) fn file(name: &str) -> Option<&'static Asset> {
    FILES.iter().find(|asset| asset.name == name)
}

impl Asset {
    fn plain(name: &'static str, media_type: &'static str, bytes: Bytes) -> Asset {
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]);
        let tag = HeaderValue::try_from(format!("W/\"{digest}\"")).unwrap_or(HeaderValue::from_static("W/\"0\""));
        Asset { name, media_type, bytes, is_packed: false, tag }
    }

    fn packed(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Asset {
        Asset { is_packed: true, ..Asset::plain(name, media_type, Bytes::from_static(bytes)) }
    }

    /// The file, or that the client has it already.
    pub(super) async fn answer(&self, asked: &HeaderMap) -> Response {
        let mut headers = self.headers();
        if has_tag(asked, &self.tag) {
            headers.remove(CONTENT_TYPE);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        if self.is_packed && !takes_gzip(asked) {
            return match unpack(&self.bytes).await {
                Ok(bytes) => (headers, Body::from(bytes)).into_response(),
                Err(error) => Rejection::from(Error::Internal(error.to_string())).into_response(),
            };
        }
        if self.is_packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, Body::from(self.bytes.clone())).into_response()
    }

    fn headers(&self) -> HeaderMap {
        let fixed: [(HeaderName, &'static str); 6] = [
            (CONTENT_TYPE, self.media_type),
            // Kept, and asked for each time: it changes with the next release.
            (CACHE_CONTROL, "no-cache"),
            (VARY, "accept-encoding"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        let mut headers: HeaderMap = fixed.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        headers.insert(ETAG, self.tag.clone());
        headers
    }
}

fn has_tag(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = tag.to_str().map(opaque).unwrap_or_default();
    let mut tags = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.any(|one| one.trim() == "*" || opaque(one) == own)
}

/// Whether `gzip` is among what the client can unpack, and not as what it will not have.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let mut codings = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.trim().parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

async fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    decoder(Encoding::Gzip, bytes).read_to_end(&mut all).await?;
    Ok(all)
}
