//! Refusals as clients of the distribution API read them (distribution specification 1.1, "Error Codes").

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;

/// Why a request is refused, in the specification's words and Docker's where the specification has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    PaginationNumberInvalid,
    RangeInvalid,
    SizeInvalid,
    Unsupported,
    Unknown,
}

impl Code {
    /// As it is written in the answer.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            // Docker's name for a chunk out of order is the upload's own.
            Self::RangeInvalid => "BLOB_UPLOAD_INVALID",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unsupported => "UNSUPPORTED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The status that goes with it unless the refusal says another.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestBlobUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown => StatusCode::NOT_FOUND,
            Self::RangeInvalid => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestInvalid
            | Self::NameInvalid
            | Self::PaginationNumberInvalid
            | Self::SizeInvalid => StatusCode::BAD_REQUEST,
        }
    }
}

/// A refused request: becomes the answer's status, headers and JSON body.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    /// With the code's usual status; `message` is for the person who reads the client's output.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, status: code.status(), message: message.into(), headers: Vec::new() }
    }

    /// With another status.
    #[must_use]
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With a header more.
    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "errors": [{ "code": self.code.name(), "message": self.message }] });
        let mut response = (self.status, Json(body)).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// What the store says, in the API's words.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let refuse = |code| Self::new(code, error.to_string());
        match &error {
            StoreError::Name { .. } => refuse(Code::NameInvalid),
            StoreError::NoBlob { .. } => refuse(Code::BlobUnknown),
            StoreError::NoManifest { .. } => refuse(Code::ManifestUnknown),
            StoreError::Manifest { .. } | StoreError::Config { .. } => refuse(Code::ManifestInvalid),
            StoreError::Incomplete { .. } => refuse(Code::ManifestBlobUnknown),
            StoreError::Mismatch { .. } => refuse(Code::DigestInvalid),
            StoreError::TooLarge { .. } => refuse(Code::SizeInvalid).status(StatusCode::PAYLOAD_TOO_LARGE),
            StoreError::NoUpload { .. } => refuse(Code::BlobUploadUnknown),
            StoreError::UploadOffset { .. } => refuse(Code::RangeInvalid),
            StoreError::UploadBusy { .. } => refuse(Code::BlobUploadInvalid).status(StatusCode::CONFLICT),
            StoreError::InUse { .. } => refuse(Code::Unsupported).status(StatusCode::CONFLICT),
            StoreError::Full { .. } => refuse(Code::Unknown).status(StatusCode::INSUFFICIENT_STORAGE),
            StoreError::Io { .. }
            | StoreError::NotAStore { .. }
            | StoreError::Layout { .. }
            | StoreError::Damaged { .. } => refuse(Code::Unknown),
        }
    }
}

/// The machine failed, not the client: a full disk, an unreadable file.
impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        let status = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(Code::Unknown, format!("the registry's storage failed: {error}")).status(status)
    }
}
