//! A job. Only images in registries and SBOMs in the fleet's store travel: a local path means nothing on another
//! machine, and a client must not be able to make a server read its files.

use bytes::Bytes;
use layergate_ports::values::{ImageLocator, Job, JobId, PlatformSelection, PolicyOverrides, UploadedSbom};
use layergate_wire::{WireError, v1};

use super::parts::{self, Reader};

const READ: Reader = Reader("a job");

/// The message of a job; its trace context travels beside it.
pub fn job_to_wire(job: &Job) -> Result<Bytes, WireError> {
    use v1::platform_selection::Kind;
    let (reference, sbom) = match &job.image {
        ImageLocator::Registry(reference) => (reference.to_string(), None),
        ImageLocator::Sbom(UploadedSbom { digest, name }) => {
            (String::new(), Some(v1::UploadedSbom { digest: parts::digest(digest), name: name.to_string() }))
        }
        ImageLocator::Local(local) => {
            return Err(READ.bad("image", format!("{local} is local; it means nothing on another machine")));
        }
    };
    let (kind, platforms) = match &job.platforms {
        PlatformSelection::Default => (Kind::Default, Vec::new()),
        PlatformSelection::List(list) => (Kind::List, list.iter().map(ToString::to_string).collect()),
        PlatformSelection::All => (Kind::All, Vec::new()),
    };
    layergate_wire::encode(v1::Job {
        version: 0,
        id: job.id.to_string(),
        reference,
        platforms: Some(v1::PlatformSelection { kind: kind.into(), platforms }),
        credential: parts::text(job.credential.as_ref()),
        policy: Some(v1::PolicyOverrides {
            fail_on: parts::text(job.policy.fail_on.as_ref()),
            only_fixed: job.policy.only_fixed,
            policy: job.policy.policy.clone().unwrap_or_default(),
        }),
        lane: parts::lane(job.lane),
        tenant: job.tenant.to_string(),
        idempotency_key: parts::text(job.idempotency_key.as_ref()),
        snapshot: job.snapshot.as_ref().map(parts::digest).unwrap_or_default(),
        as_of: job.as_of.clone(),
        submitted_at: parts::time(job.submitted_at),
        deadline: parts::time(job.deadline),
        sbom,
    })
}

/// Reads the message of job `id` (its subject says so).
pub fn job_from_wire(bytes: Bytes, id: &JobId, trace: Option<String>) -> Result<Job, WireError> {
    use v1::platform_selection::Kind;
    let wire: v1::Job = layergate_wire::decode(bytes)?;
    if wire.id != id.as_str() {
        return Err(READ.bad("id", format!("{:?} under the subject of {id}", wire.id)));
    }
    let selection = READ.required("platforms", wire.platforms)?;
    let platforms = match Kind::try_from(selection.kind) {
        Ok(Kind::Default) => PlatformSelection::Default,
        Ok(Kind::All) => PlatformSelection::All,
        Ok(Kind::List) => {
            let all = selection.platforms.iter().map(|text| READ.parse("platforms", text));
            PlatformSelection::List(all.collect::<Result<_, _>>()?)
        }
        _ => return Err(READ.bad("platforms", selection.kind)),
    };
    let policy = wire.policy.unwrap_or_default();
    let image = match wire.sbom {
        None => ImageLocator::Registry(READ.parse("reference", &wire.reference)?),
        Some(sbom) if wire.reference.is_empty() => ImageLocator::Sbom(UploadedSbom {
            digest: READ.digest("sbom", &sbom.digest)?,
            name: READ.parse("sbom", &sbom.name)?,
        }),
        Some(_) => return Err(READ.bad("sbom", "an image and an SBOM in one job")),
    };
    Ok(Job {
        id: id.clone(),
        image,
        platforms,
        credential: READ.optional("credential", &wire.credential)?,
        policy: PolicyOverrides {
            fail_on: READ.optional("fail_on", &policy.fail_on)?,
            only_fixed: policy.only_fixed,
            policy: (!policy.policy.is_empty()).then_some(policy.policy),
        },
        lane: READ.lane(wire.lane)?,
        tenant: READ.parse("tenant", &wire.tenant)?,
        idempotency_key: READ.optional("idempotency_key", &wire.idempotency_key)?,
        snapshot: READ.optional_digest("snapshot", &wire.snapshot)?,
        as_of: wire.as_of,
        submitted_at: READ.time("submitted_at", wire.submitted_at)?,
        deadline: READ.time("deadline", wire.deadline)?,
        trace,
    })
}
