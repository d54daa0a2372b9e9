//! Where the base image ends: what the estate knows, what labels say, what history lets guess.
//!
//! Labels (`org.opencontainers.image.base.name` and `.digest`, OCI image-spec annotations) name the base but not its
//! number of layers. Cloud Native Buildpacks do say it: `io.buildpacks.lifecycle.metadata` names the diffID of the run
//! image's top layer. Else history shows: Jib and ko write their own steps upon a base, and a Dockerfile's last steps
//! are usually `CMD` or `ENTRYPOINT`, so one with layers above it was the end of somebody else's Dockerfile. Where none
//! is found but the first layer is the import of a root file system, that layer is the base. History that does not
//! agree with the layers shows nothing. A label that was itself inherited from the base names the base's base; nothing
//! in an image shows that apart.

use layergate_model::{BaseImage, HistoryEntry, ImageConfig, Origin};

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";
const BUILDPACKS: &str = "io.buildpacks.lifecycle.metadata";

/// The base image, as far as it can be reported. `known` is what the estate has found out by comparing layers.
pub(crate) fn find(config: Option<&ImageConfig>, layers: usize, known: Option<&BaseImage>) -> Option<BaseImage> {
    let label = |name| config.and_then(|c| c.config.labels.get(name)).filter(|v| !v.is_empty());
    if let Some(known) = known.filter(|k| k.layers > 0 && (k.layers as usize) < layers) {
        return Some(known.clone());
    }
    let name = label(NAME).map(|n| n.chars().take(512).collect());
    let digest = label(DIGEST).and_then(|d| d.parse().ok());
    if let Some(run_image) = config.and_then(|c| buildpacks(c, layers)) {
        return Some(BaseImage { name: name.or(run_image.name), digest, ..run_image });
    }
    let guess = config.and_then(|c| boundary(&c.history, layers));
    if name.is_none() && digest.is_none() {
        return guess.map(|layers| BaseImage { name, digest, layers, source: "history".into() });
    }
    Some(BaseImage { name, digest, layers: guess.unwrap_or(0), source: "label".into() })
}

/// The run image that buildpacks have built upon (buildpacks.io, platform specification, "lifecycle.metadata").
fn buildpacks(config: &ImageConfig, layers: usize) -> Option<BaseImage> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        run_image: RunImage,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RunImage {
        top_layer: String,
        #[serde(default)]
        image: Option<String>,
        #[serde(default)]
        reference: Option<String>,
    }
    let RunImage { top_layer, image, reference } =
        serde_json::from_str::<Metadata>(config.config.labels.get(BUILDPACKS)?).ok()?.run_image;
    let diffs = &config.rootfs.diff_ids;
    let top = diffs.iter().position(|d| *d == top_layer).filter(|_| diffs.len() == layers)?;
    let name = image.or(reference).map(|n| n.chars().take(512).collect());
    let layers = u32::try_from(top + 1).ok()?;
    Some(BaseImage { name, digest: None, layers, source: "label".into() })
}

/// Base or application; unknown where nothing shows how many layers the base has.
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
    let layers_of = |steps: &[HistoryEntry]| u32::try_from(steps.iter().filter(|h| !h.empty_layer).count()).ok();
    if let Some(first) = history.iter().position(is_upon_a_base) {
        return layers_of(&history[..first]).filter(|n| *n > 0);
    }
    let below = match history[..last_layer].iter().rposition(is_start) {
        Some(cmd) => history[..cmd].iter().filter(|h| !h.empty_layer).count(),
        None => usize::from(history.iter().find(|h| !h.empty_layer).is_some_and(is_root_import)),
    };
    u32::try_from(below).ok().filter(|n| *n > 0)
}

/// The first step of a builder that copies its base's history and adds its own.
fn is_upon_a_base(step: &HistoryEntry) -> bool {
    let command = step.created_by.as_deref().unwrap_or_default();
    ["jib-", "jib:", "ko build ", "ko publish "].iter().any(|builder| command.starts_with(builder))
}

/// `CMD` or `ENTRYPOINT`.
fn is_start(step: &HistoryEntry) -> bool {
    let Some(command) = step.created_by.as_deref() else { return false };
    let command = command.trim_start();
    let command = command.strip_prefix("/bin/sh -c #(nop)").unwrap_or(command).trim_start();
    step.empty_layer && (command.starts_with("CMD ") || command.starts_with("ENTRYPOINT "))
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
    const ENTRYPOINT: Step = ("ENTRYPOINT [\"/init\"]", true);
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
            ("a base that ends with ENTRYPOINT", &[ADD, RUN, ENTRYPOINT, RUN], Some(2)),
            ("ENTRYPOINT and CMD end one base", &[ADD, CMD, RUN, ENTRYPOINT, BUILDKIT_CMD, RUN], Some(2)),
            ("Jib", &[ADD, CMD, RUN, ("jib-maven-plugin:3.4.0", false), ("jib-maven-plugin:3.4.0", false)], Some(2)),
            ("ko", &[ADD, ("ko build ko://example.org/app", false)], Some(1)),
            ("ko from scratch", &[("ko build ko://example.org/app", false), RUN], None),
        ];
        for (name, steps, want) in cases {
            let layers = steps.iter().filter(|s| !s.1).count();
            let base = find(Some(&config(steps, &[])), layers, None);
            assert_eq!(base.map(|b| b.layers), *want, "{name}");
            assert_eq!(find(Some(&config(steps, &[])), layers + 3, None), None, "{name}: disagreeing history");
        }
    }

    #[test]
    fn buildpacks_say_where_their_run_image_ends() {
        let metadata = r#"{"runImage":{"topLayer":"sha256:b","reference":"index.docker.io/cnb/run@sha256:1","image":"cnb/run:jammy"}}"#;
        let mut built = config(&[], &[(BUILDPACKS, metadata)]);
        built.rootfs.diff_ids = ["a", "b", "c"].map(|d| format!("sha256:{d}")).to_vec();
        let base = find(Some(&built), 3, None).unwrap();
        assert_eq!((base.name.as_deref(), base.layers, base.source.as_str()), (Some("cnb/run:jammy"), 2, "label"));
        assert_eq!(find(Some(&built), 4, None), None, "layers that the config does not know");
        for broken in ["", "{", "{\"runImage\":{}}", "{\"runImage\":{\"topLayer\":\"sha256:z\"}}"] {
            built.config.labels.insert(BUILDPACKS.into(), broken.into());
            assert_eq!(find(Some(&built), 3, None), None, "{broken}");
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
