//! The image's configuration (OCI image-spec, "config"; Docker's image JSON has the same shape).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Platform;

/// What of an image's configuration matters here. Fields that are absent or null are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// When the image was made (RFC 3339).
    #[serde(deserialize_with = "nullable")]
    pub created: Option<String>,
    /// `linux`, `windows`.
    #[serde(deserialize_with = "nullable")]
    pub os: String,
    /// `amd64`, …
    #[serde(deserialize_with = "nullable")]
    pub architecture: String,
    /// `v8`, …
    #[serde(deserialize_with = "nullable")]
    pub variant: Option<String>,
    /// How a container is started.
    #[serde(deserialize_with = "nullable")]
    pub config: RuntimeConfig,
    /// The diffIDs.
    #[serde(deserialize_with = "nullable")]
    pub rootfs: RootFs,
    /// How each layer came to be.
    #[serde(deserialize_with = "nullable")]
    pub history: Vec<HistoryEntry>,
}

/// The layers as the config claims them; claims, never keys (invariant 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RootFs {
    /// The digests of the uncompressed layers, bottom first.
    #[serde(deserialize_with = "nullable")]
    pub diff_ids: Vec<String>,
}

/// The execution parameters of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RuntimeConfig {
    /// The user that the container runs as.
    #[serde(deserialize_with = "nullable")]
    pub user: String,
    /// `NAME=value`.
    #[serde(deserialize_with = "nullable")]
    pub env: Vec<String>,
    /// The program.
    #[serde(deserialize_with = "nullable")]
    pub entrypoint: Vec<String>,
    /// Its arguments.
    #[serde(deserialize_with = "nullable")]
    pub cmd: Vec<String>,
    /// Labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// `80/tcp` and so on.
    #[serde(deserialize_with = "nullable")]
    pub exposed_ports: BTreeMap<String, serde_json::Value>,
    /// Directories that become volumes.
    #[serde(deserialize_with = "nullable")]
    pub volumes: BTreeMap<String, serde_json::Value>,
    /// Docker's health check, whatever its shape.
    #[serde(deserialize_with = "nullable")]
    pub healthcheck: Option<serde_json::Value>,
}

/// One step of the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryEntry {
    /// When (RFC 3339).
    #[serde(deserialize_with = "nullable")]
    pub created: Option<String>,
    /// The command.
    #[serde(deserialize_with = "nullable")]
    pub created_by: Option<String>,
    /// A builder's remark.
    #[serde(deserialize_with = "nullable")]
    pub comment: Option<String>,
    /// Whether the step made no layer.
    #[serde(deserialize_with = "nullable")]
    pub empty_layer: bool,
}

/// Builders write `null` where the specification has an absent field.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

impl ImageConfig {
    /// The platform that the config names.
    pub fn platform(&self) -> Option<Platform> {
        if self.os.is_empty() || self.architecture.is_empty() {
            return None;
        }
        Some(Platform { os: self.os.clone(), architecture: self.architecture.clone(), variant: self.variant.clone() })
    }

    /// The command that made each of `layers` layers; all `None` where history and layers do not agree.
    pub fn created_by(&self, layers: usize) -> Vec<Option<String>> {
        let steps: Vec<_> = self.history.iter().filter(|h| !h.empty_layer).collect();
        if steps.len() != layers {
            return vec![None; layers];
        }
        steps.into_iter().map(|h| h.created_by.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_empty_and_disagreeing_history_is_unknown() {
        let config: ImageConfig = serde_json::from_str(
            r#"{"os":"linux","architecture":"amd64","config":{"Env":null,"Labels":null},"rootfs":null,
                "history":[{"created_by":"a"},{"created_by":"b","empty_layer":true}]}"#,
        )
        .unwrap();
        assert_eq!(config.created_by(1), [Some("a".to_owned())]);
        assert_eq!(config.created_by(2), [None, None]);
        assert_eq!(config.platform().unwrap().to_string(), "linux/amd64");
    }
}
