//! What says something about a manifest; for registries without a list of it, the list under a tag (distribution
//! specification, "Referrers Tag Schema").

use base::Digest;
use reqwest::header::HeaderName;

use super::Client;
use super::error::ClientError;
use super::manifests::Small;
use super::request::Request;
use crate::manifest::{Descriptor, Index, Manifest};
use crate::media::OCI_INDEX;
use crate::reference::Reference;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

impl Client {
    /// The manifests of the reference's repository whose subject is `digest`; only those of an artifact type when one is given.
    ///
    /// # Errors
    /// When the registry does not answer as it should.
    pub fn referrers(
        &self,
        reference: &Reference,
        digest: Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, ClientError> {
        let mut found = Vec::new();
        let request = Request::referrers(reference.repository(), digest, artifact_type);
        let listed = self.pages(reference, &request, |page: &Small, wrong| {
            let index: Index = serde_json::from_slice(&page.bytes).map_err(|e| wrong(e.to_string()))?;
            let filtered = page
                .header(FILTERS_APPLIED)
                .is_some_and(|filters| filters.split(',').any(|filter| filter.trim() == "artifactType"));
            found.extend(index.manifests.into_iter().filter(|d| filtered || is_kind(d, artifact_type)));
            Ok(())
        });
        match listed {
            Ok(()) => Ok(found),
            Err(ClientError::NotFound { .. }) => {
                let listed = self.tagged_referrers(reference, digest)?;
                let listed = listed.map(|index| index.manifests).unwrap_or_default();
                Ok(listed.into_iter().filter(|d| is_kind(d, artifact_type)).collect())
            }
            Err(e) => Err(e),
        }
    }

    /// Enters a referrer into the list under a tag. Two clients that do it at the same moment may lose one entry; the
    /// specification has no remedy.
    pub(super) fn tag_referrer(
        &self,
        reference: &Reference,
        subject: Digest,
        referrer: Descriptor,
    ) -> Result<(), ClientError> {
        let mut index = self.tagged_referrers(reference, subject)?.unwrap_or_else(|| Index {
            schema_version: 2,
            media_type: Some(OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests: Vec::new(),
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        });
        if index.manifests.iter().any(|known| known.digest == referrer.digest) {
            return Ok(());
        }
        index.manifests.push(referrer);
        let bytes = serde_json::to_vec(&index).expect("an index has only text keys");
        self.put_manifest(&list_of(reference, subject), OCI_INDEX, &bytes).map(drop)
    }

    fn tagged_referrers(&self, reference: &Reference, subject: Digest) -> Result<Option<Index>, ClientError> {
        let list = list_of(reference, subject);
        let stored = match self.manifest(&list) {
            Ok(stored) => stored,
            Err(ClientError::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        match Manifest::parse(&stored.media_type, &stored.bytes) {
            Ok(Manifest::Index(index)) => Ok(Some(index)),
            // Somebody used the tag for an image.
            Ok(Manifest::Image(_)) => Ok(None),
            Err(source) => Err(ClientError::Manifest { reference: list.to_string(), source }),
        }
    }
}

/// The tag `sha256-HEX`.
fn list_of(reference: &Reference, subject: Digest) -> Reference {
    reference.at_tag(&format!("sha256-{}", subject.hex())).expect("71 letters, digits and a dash are a tag")
}

fn is_kind(descriptor: &Descriptor, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| descriptor.artifact_type.as_deref() == Some(wanted))
}
