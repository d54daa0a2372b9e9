//! Where the base image ends: what the estate knows, what labels say, what history lets guess.
//!
//! Labels (`org.opencontainers.image.base.name` and `.digest`, OCI image-spec annotations) name the base but not its
//! number of layers. History does: a Dockerfile's last steps are usually `CMD`, so a `CMD` with layers above it was
//! the end of somebody else's Dockerfile. Where no `CMD` is found but the first layer is the import of a root file
//! system, that layer is the base. History that does not agree with the layers tells nothing.

use layergate_model::{BaseImage, HistoryEntry, ImageConfig, Origin};

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// The base image, as far as it can be told. `known` is what the estate has found out by comparing layers.
pub(crate) fn find(config: Option<&ImageConfig>, layers: usize, known: Option<&BaseImage>) -> Option<BaseImage> {
    let label = |name| config.and_then(|c| c.config.labels.get(name)).filter(|v| !v.is_empty());
    if let Some(known) = known.filter(|k| k.layers > 0 && (k.layers as usize) < layers) {
        return Some(known.clone());
    }
    let name = label(NAME).map(|n| n.chars().take(512).collect());
    let digest = label(DIGEST).and_then(|d| d.parse().ok());
    let guess = config.and_then(|c| boundary(&c.history, layers));
    if name.is_none() && digest.is_none() {
        return guess.map(|layers| BaseImage { name, digest, layers, source: "history".into() });
    }
    Some(BaseImage { name, digest, layers: guess.unwrap_or(0), source: "label".into() })
}

/// Base or application; unknown where nothing tells how many layers the base has.
pub(crate) fn origin(base: Option<&BaseImage>, layer: Option<u32>) -> Origin {
    match (base, layer) {
        (Some(base), Some(layer)) if base.layers > 0 => {
            if layer < base.layers {
                Origin::Base
            } else {
                Origin::Application
            }
        }
        _ => Origin::Unknown,
    }
}

/// How many layers, from the bottom, history says are the base's.
fn boundary(history: &[HistoryEntry], layers: usize) -> Option<u32> {
    if history.iter().filter(|h| !h.empty_layer).count() != layers || layers < 2 {
        return None;
    }
    let last_layer = history.iter().rposition(|h| !h.empty_layer)?;
    let below = match history[..last_layer].iter().rposition(is_cmd) {
        Some(cmd) => history[..cmd].iter().filter(|h| !h.empty_layer).count(),
        None => usize::from(history.iter().find(|h| !h.empty_layer).is_some_and(is_root_import)),
    };
    u32::try_from(below).ok().filter(|n| *n > 0)
}

fn is_cmd(step: &HistoryEntry) -> bool {
    let Some(command) = step.created_by.as_deref() else { return false };
    let command = command.trim_start();
    let command = command.strip_prefix("/bin/sh -c #(nop)").unwrap_or(command).trim_start();
    step.empty_layer && command.starts_with("CMD ")
}

/// The first layers of the official images: debuerreotype's, Alpine's and Ubuntu's archives of a root file system.
fn is_root_import(step: &HistoryEntry) -> bool {
    let command = step.created_by.as_deref().unwrap_or_default();
    let command = command.strip_prefix("/bin/sh -c #(nop)").unwrap_or(command).trim_start();
    let by_debuerreotype = step.comment.as_deref().is_some_and(|c| c.starts_with("debuerreotype"));
    let added =
        command.starts_with("ADD ") && command.split(" # ").next().unwrap_or(command).trim_end().ends_with(" /");
    by_debuerreotype || command.starts_with("# debian.sh") || added
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command, and whether it made no layer.
    type Step = (&'static str, bool);

    fn config(steps: &[Step], labels: &[(&str, &str)]) -> ImageConfig {
        let mut config = ImageConfig::default();
        for (command, empty_layer) in steps {
            let created_by = Some((*command).to_owned());
            config.history.push(HistoryEntry { created_by, empty_layer: *empty_layer, ..Default::default() });
        }
        for (name, value) in labels {
            config.config.labels.insert((*name).to_owned(), (*value).to_owned());
        }
        config
    }

    const ADD: Step = ("/bin/sh -c #(nop) ADD file:1f in / ", false);
    const DEBIAN: Step = ("# debian.sh --arch 'amd64' out/ 'bookworm'", false);
    const CMD: Step = ("/bin/sh -c #(nop)  CMD [\"bash\"]", true);
    const BUILDKIT_CMD: Step = ("CMD [\"python3\"]", true);
    const RUN: Step = ("RUN /bin/sh -c apt-get install -y curl # buildkit", false);
    const ENV: Step = ("ENV A=b", true);

    #[test]
    fn history_tells_where_the_base_ends() {
        let cases: &[(&str, &[Step], Option<u32>)] = &[
            ("an application on a base", &[ADD, CMD, ENV, RUN, RUN, BUILDKIT_CMD], Some(1)),
            ("the nearest base counts", &[ADD, CMD, RUN, BUILDKIT_CMD, RUN], Some(2)),
            ("a base alone", &[ADD, CMD], None),
            ("a distribution without CMD", &[DEBIAN, RUN, BUILDKIT_CMD], Some(1)),
            ("built from scratch", &[("COPY app /app # buildkit", false), RUN, CMD], None),
            ("no history", &[], None),
        ];
        for (name, steps, want) in cases {
            let layers = steps.iter().filter(|s| !s.1).count();
            let base = find(Some(&config(steps, &[])), layers, None);
            assert_eq!(base.map(|b| b.layers), *want, "{name}");
            assert_eq!(find(Some(&config(steps, &[])), layers + 3, None), None, "{name}: disagreeing history");
        }
    }

    #[test]
    fn labels_name_the_base_and_the_estate_knows_best() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let labelled = config(&[ADD, CMD, RUN], &[(NAME, "docker.io/library/debian:12"), (DIGEST, &digest)]);
        let base = find(Some(&labelled), 2, None).unwrap();
        assert_eq!((base.layers, base.source.as_str()), (1, "label"));
        assert_eq!(base.digest.unwrap().to_string(), digest);
        let unclear = find(Some(&labelled), 7, None).unwrap();
        assert_eq!((unclear.layers, origin(Some(&unclear), Some(0))), (0, Origin::Unknown));
        let known = BaseImage { name: None, digest: None, layers: 3, source: "estate".into() };
        let base = find(Some(&labelled), 7, Some(&known)).unwrap();
        assert_eq!(base, known);
        assert_eq!(origin(Some(&base), Some(2)), Origin::Base);
        assert_eq!(origin(Some(&base), Some(3)), Origin::Application);
        assert_eq!(origin(Some(&base), None), Origin::Unknown);
    }
}
