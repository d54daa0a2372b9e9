//! `estate in-use`: what runs, as a cluster's list of pods says (`kubectl get pods -A -o json`).

use std::{collections::BTreeSet, io::Read as _};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use layergate_estate::Event;
use layergate_model::Digest;
use serde::Deserialize;
use serde_json::json;

use super::{
    open,
    print::{Table, answer},
    store,
};
use crate::{
    args::InUseArgs,
    exit::{Failure, Outcome, usage},
};

/// Bytes of a list of pods: some hundred thousand of them.
const MAX_LIST: u64 = 2 << 30;
/// Images of one event: with the longest names (63 and 253 bytes) half of what a record may have.
const CHUNK: usize = 800;

/// A list of pods, as far as it tells what runs (Kubernetes API, core/v1).
#[derive(Deserialize)]
struct PodList {
    items: Vec<Pod>,
}

#[derive(Deserialize)]
struct Pod {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    container_statuses: Vec<Container>,
    init_container_statuses: Vec<Container>,
    ephemeral_container_statuses: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(rename = "imageID")]
    image_id: String,
}

/// The digest of an image ID: `docker-pullable://r/a@sha256:…`, `r/a@sha256:…`, `sha256:…`.
fn digest(id: &str) -> Option<Digest> {
    let at = id.rfind("sha256:")?;
    id.get(at..)?.parse().ok()
}

/// Every running container with its digest, and the number of those whose digest is not known.
fn running(list: &[u8]) -> Result<(Vec<(Digest, String)>, usize), serde_json::Error> {
    let list: PodList = serde_json::from_slice(list)?;
    let mut found = BTreeSet::new();
    let mut unknown = 0;
    for pod in &list.items {
        let status = &pod.status;
        let all = [&status.container_statuses, &status.init_container_statuses, &status.ephemeral_container_statuses];
        for container in all.into_iter().flatten() {
            match digest(&container.image_id) {
                Some(digest) => {
                    found.insert((digest, format!("{}/{}", pod.metadata.namespace, pod.metadata.name)));
                }
                None => unknown += 1,
            }
        }
    }
    Ok((found.into_iter().collect(), unknown))
}

/// `layergate estate in-use`.
pub(super) async fn run(args: &InUseArgs) -> Result<Outcome, Failure> {
    let from_stdin = args.from.as_os_str() == "-";
    let mut bytes = Vec::new();
    let context = || format!("the list of pods {} cannot be read", args.from.display());
    let reader: Box<dyn std::io::Read> = match from_stdin {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(&args.from).with_context(context).map_err(usage)?),
    };
    reader.take(MAX_LIST + 1).read_to_end(&mut bytes).with_context(context).map_err(usage)?;
    if bytes.len() as u64 > MAX_LIST {
        return Err(usage(anyhow!("it has more than {MAX_LIST} bytes").context(context())));
    }
    let (images, unknown) = running(&bytes).with_context(context).map_err(usage)?;
    let source = args.cluster.clone().unwrap_or_else(|| match from_stdin {
        true => "default".to_owned(),
        false => args.from.file_stem().map_or_else(|| "default".to_owned(), |n| n.to_string_lossy().into_owned()),
    });
    let claim = store(&args.state)?.claim()?;
    let mut estate = open(&args.state).await?;
    let digests: BTreeSet<Digest> = images.iter().map(|(digest, _)| *digest).collect();
    let known: BTreeSet<Digest> = estate
        .state
        .units()
        .flat_map(|(_, entry, unit)| [Some(unit.digest), entry.root])
        .flatten()
        .filter(|digest| digests.contains(digest))
        .collect();
    let at = Timestamp::now();
    let none: &[(Digest, String)] = &[];
    let chunks: Vec<_> = if images.is_empty() { vec![none] } else { images.chunks(CHUNK).collect() };
    for chunk in chunks {
        estate.commit(vec![Event::InUse { source: source.clone(), at, images: chunk.to_vec() }]).await?;
    }
    drop(claim);
    let unwatched: Vec<String> = digests.iter().filter(|d| !known.contains(d)).map(ToString::to_string).collect();
    let document = json!({
        "cluster": source,
        "containers": images.len() + unknown,
        "images": digests.len(),
        "known": known.len(),
        "unknown": unwatched,
        "without_digest": unknown,
    });
    let mut foot = format!("{source}: {} images run, {} of them are in the estate", digests.len(), known.len());
    if !unwatched.is_empty() {
        foot.push_str("; the others run unwatched:");
    }
    let rows = unwatched.into_iter().map(|digest| vec![digest]).collect();
    answer(&document, &Table { head: &["UNWATCHED"], rows, foot }, args.state.output)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_says_that_it_runs() {
        let hex = "a".repeat(64);
        let list = format!(
            r#"{{"kind":"List","items":[
                {{"metadata":{{"namespace":"n","name":"p"}},"status":{{"containerStatuses":[
                    {{"name":"c","imageID":"docker-pullable://r.example/a@sha256:{hex}"}},
                    {{"name":"d","imageID":"r.example/a@sha256:{hex}"}},{{"name":"e","imageID":""}}],
                  "initContainerStatuses":[{{"name":"i","imageID":"sha256:{hex}"}}]}}}},
                {{"metadata":{{"name":"q"}}}}]}}"#
        );
        let (found, unknown) = running(list.as_bytes()).unwrap();
        assert_eq!((found.len(), unknown), (1, 1), "{found:?}");
        assert_eq!(found[0].1, "n/p");
        assert!(running(b"[]").is_err());
    }
}
