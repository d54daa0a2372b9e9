//! The streams as they must be: made when they are not there, read back and compared when they are. An older server, or
//! another program, may have made one that looks alike and does not refuse a second flight.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::{
    self, ErrorCode,
    context::CreateStreamErrorKind,
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::{ConnectError, NatsError},
    link::{Link, Tries},
    names::{Kind, Names},
    options::NatsOptions,
};

/// Tasks of an analyzer set that nobody runs any more go after this long; who waits for one publishes it again.
const LAYER_AGE: Duration = Duration::from_secs(24 * 3600);
/// Jobs have deadlines; one this old interests nobody.
const JOB_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Idempotency keys are good for a day.
const CLAIM_AGE: Duration = Duration::from_secs(24 * 3600);
/// The longest deadline of a job is a day.
const SBOM_AGE: Duration = Duration::from_secs(25 * 3600);
/// Verdict records and reports that nobody wrote anew.
const VERDICT_AGE: Duration = Duration::from_secs(400 * 24 * 3600);

/// Every stream of a fleet.
pub(crate) fn all(names: &Names, options: &NatsOptions) -> Vec<Config> {
    let mut all = vec![layers(names, options), jobs(names, options)];
    all.extend(Kind::ALL.map(|kind| bucket(names, options, kind)));
    all
}

/// Parts of the disk that `storage` names, in thousandths.
fn share(options: &NatsOptions, thousandths: u64) -> i64 {
    i64::try_from(options.storage / 1000 * thousandths).unwrap_or(i64::MAX)
}

fn count(messages: u64) -> i64 {
    i64::try_from(messages).unwrap_or(i64::MAX)
}

fn queue(options: &NatsOptions, name: String, subjects: String) -> Config {
    Config {
        name,
        subjects: vec![subjects],
        retention: RetentionPolicy::WorkQueue,
        // The heart of it: one message for each subject, and a second one is refused as long as the first is there,
        // queued or in flight. No msg-id: after the ack, it would be answered as a duplicate and stored nowhere.
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        max_messages: count(options.queue_length),
        storage: StorageType::File,
        num_replicas: options.replicas,
        ..Config::default()
    }
}

fn layers(names: &Names, options: &NatsOptions) -> Config {
    Config {
        max_bytes: share(options, 50),
        max_age: LAYER_AGE,
        description: Some("layergate: layers to read, one message for each".into()),
        ..queue(options, names.layers_stream(), names.layers_subjects())
    }
}

fn jobs(names: &Names, options: &NatsOptions) -> Config {
    Config {
        max_bytes: share(options, 100),
        max_age: JOB_AGE,
        description: Some("layergate: images to judge".into()),
        ..queue(options, names.jobs_stream(), names.jobs_subjects())
    }
}

fn bucket(names: &Names, options: &NatsOptions, kind: Kind) -> Config {
    let (thousandths, max_age, description) = match kind {
        Kind::Done => (100, Duration::ZERO, "which layers are read"),
        Kind::Inventories => (250, Duration::ZERO, "what layers contain; can be made again"),
        Kind::Reports => (140, VERDICT_AGE, "reports"),
        Kind::Sboms => (40, SBOM_AGE, "uploaded SBOMs, until the jobs on them have ended"),
        Kind::Snapshots => (100, Duration::ZERO, "advisory snapshots"),
        Kind::Verdicts => (90, VERDICT_AGE, "verdicts by job"),
        Kind::Failures => (10, Duration::ZERO, "why layers failed, for a while"),
        Kind::Claims => (10, CLAIM_AGE, "idempotency keys"),
        Kind::Membership => (5, Duration::ZERO, "who is in the fleet"),
        Kind::Control => (5, Duration::ZERO, "the current snapshot, drain requests"),
        Kind::EstateLog => (40, Duration::ZERO, "what happened to the estate"),
        Kind::EstateBlobs => (60, Duration::ZERO, "what the images of the estate contain"),
    };
    Config {
        name: names.bucket_stream(kind),
        subjects: vec![format!("{}>", names.bucket_prefix(kind))],
        description: Some(format!("layergate: {description}")),
        max_messages_per_subject: 1,
        max_bytes: share(options, thousandths),
        max_age,
        // What can be made again goes, oldest first, when the room is used up. What must not be lost is refused
        // instead: a verdict that cannot be stored leaves its job in the queue.
        discard: match kind {
            Kind::Snapshots | Kind::Verdicts | Kind::Control | Kind::EstateLog | Kind::EstateBlobs => {
                DiscardPolicy::New
            }
            _ => DiscardPolicy::Old,
        },
        storage: StorageType::File,
        num_replicas: options.replicas,
        allow_direct: true,
        allow_rollup: true,
        // A time to live for each message; without delete markers, so that a key that ran out can be created again.
        allow_message_ttl: true,
        ..Config::default()
    }
}

/// How long a cluster that has just started may have no leader, or too few servers, for a stream.
const FORMING: Duration = Duration::from_secs(30);

/// Makes the stream, or makes sure that the one there will do.
pub(crate) async fn ensure(jetstream: &jetstream::Context, wanted: &Config) -> Result<(), ConnectError> {
    let refused = |why: String| ConnectError::Refused { stream: wanted.name.clone(), why };
    let mut tries = Tries::new(FORMING);
    let there = loop {
        let error = match jetstream.get_or_create_stream(wanted.clone()).await {
            Ok(stream) => break stream,
            Err(error) => error,
        };
        match error.kind() {
            CreateStreamErrorKind::JetStream(ref e) => match e.error_code() {
                // Somebody else made it a moment ago, perhaps otherwise: what counts is what is there.
                ErrorCode::STREAM_NAME_EXIST => {
                    let there = jetstream.get_stream(&wanted.name).await;
                    break there.map_err(|e| refused(e.to_string()))?;
                }
                ErrorCode::STORAGE_RESOURCES_EXCEEDED => {
                    return Err(refused(format!(
                        "{e}; give the server more disk, or the fleet less of it (--nats-storage, LAYERGATE_NATS_STORAGE)"
                    )));
                }
                ErrorCode::CLUSTER_NOT_AVAILABLE | ErrorCode::CLUSTER_NO_PEERS | ErrorCode::INSUFFICIENT_RESOURCES => {}
                _ => return Err(refused(error.to_string())),
            },
            CreateStreamErrorKind::TimedOut
            | CreateStreamErrorKind::JetStreamUnavailable
            | CreateStreamErrorKind::Response => {}
            _ => return Err(refused(error.to_string())),
        }
        tries.again(&wanted.name, &error).await.map_err(|e| refused(e.what))?;
    };
    same(&there.cached_info().config, wanted)
}

fn same(there: &Config, wanted: &Config) -> Result<(), ConnectError> {
    let differences = differences(there, wanted);
    if differences.is_empty() {
        return Ok(());
    }
    Err(ConnectError::Different { stream: wanted.name.clone(), differences: differences.join(", ") })
}

/// When the streams of a fleet were made, by their names.
pub(crate) type Made = HashMap<String, String>;

/// Looks whether all streams are there and will do; makes those that somebody deleted. When each was made: another time than
/// at the last look is another stream.
pub(crate) async fn keep(link: &Link) -> Result<Made, ConnectError> {
    #[derive(Deserialize)]
    struct Page {
        total: usize,
        // The server says null where there are none.
        streams: Option<Vec<There>>,
    }
    #[derive(Deserialize)]
    struct There {
        config: Config,
        created: String,
    }
    let unreachable = |e: NatsError| ConnectError::Unreachable { urls: e.place, why: e.what };
    let (mut there, mut seen) = (HashMap::new(), 0);
    loop {
        let page = link.api::<Page>("STREAM.LIST", &json!({ "offset": seen })).await.map_err(unreachable)?;
        let page = page.map_err(|e| unreachable(NatsError::new("STREAM.LIST", e)))?;
        let streams = page.streams.unwrap_or_default();
        let last = streams.is_empty();
        seen += streams.len();
        there.extend(streams.into_iter().map(|s| (s.config.name.clone(), s)));
        if last || seen >= page.total {
            break;
        }
    }
    let mut made = Made::new();
    for wanted in all(&link.names, &link.options) {
        match there.remove(&wanted.name) {
            Some(There { config, created }) => {
                same(&config, &wanted)?;
                made.insert(wanted.name, created);
            }
            None => {
                ensure(&link.jetstream, &wanted).await?;
                tracing::warn!(stream = wanted.name, "a stream was gone and is made again; what it held is lost");
            }
        }
    }
    Ok(made)
}

/// What matters and is otherwise. How much room a stream has is its operator's business: it may be changed on the
/// server.
fn differences(there: &Config, wanted: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |field: &str, there: String, wanted: String| {
        if there != wanted {
            found.push(format!("{field}: there {there}, needed {wanted}"));
        }
    };
    macro_rules! fields {
        ($($field:ident)*) => {$(
            compare(stringify!($field), format!("{:?}", there.$field), format!("{:?}", wanted.$field));
        )*};
    }
    fields! {
        subjects retention max_messages_per_subject discard discard_new_per_subject storage no_ack sealed
        deny_purge deny_delete allow_rollup allow_direct allow_message_ttl subject_delete_marker_ttl
    }
    if there.num_replicas < wanted.num_replicas {
        compare("num_replicas", there.num_replicas.to_string(), wanted.num_replicas.to_string());
    }
    compare("mirror", there.mirror.is_some().to_string(), false.to_string());
    compare("sources", there.sources.as_ref().is_some_and(|s| !s.is_empty()).to_string(), false.to_string());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_make_a_whole_and_differences_are_named() {
        let (names, options) = (Names::new("gate"), NatsOptions::default());
        let all = all(&names, &options);
        let sum: i64 = all.iter().map(|c| c.max_bytes).sum();
        assert!(sum as u64 <= options.storage && sum as u64 > options.storage / 1000 * 990, "{sum}");

        let wanted = layers(&names, &options);
        assert_eq!(differences(&wanted, &wanted), [] as [String; 0]);
        let mut there = wanted.clone();
        there.max_bytes = 1;
        there.num_replicas = 3;
        assert_eq!(differences(&there, &wanted), [] as [String; 0]);
        there.discard_new_per_subject = false;
        assert_eq!(differences(&there, &wanted), ["discard_new_per_subject: there false, needed true"]);
    }
}
