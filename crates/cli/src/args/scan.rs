//! Arguments of `scan` and `sbom`, and those that other commands share with them.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, builder::BoolishValueParser};
use layergate_model::{Limits, Platform};
use layergate_policy::Threshold;
use layergate_report::Format;

use super::fleet::ApiArgs;
use crate::settings::{bytes, duration, small_bytes};

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// registry/repo:tag, …@sha256:…, docker-archive:FILE, oci-archive:FILE, oci:DIR[:TAG], dir:ROOTFS, sbom:FILE,
    /// or the path of an archive (./app.tar)
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// Other scanners' flag; refused with what to say instead
    #[arg(long, hide = true, value_name = "SEVERITIES")]
    pub(crate) severity: Option<String>,
    /// Judge as of this day (UTC, YYYY-MM-DD); otherwise today
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<jiff::civil::Date>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Platform OS/ARCH[/VARIANT], repeatable, or "all"; otherwise linux/amd64's image of an index, or the one there is
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub(crate) platforms: Vec<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Other scanners' ignore files (.trivyignore, .trivyignore.yaml, .grype.yaml), repeatable: each entry is an exception
    /// that the report lists
    #[arg(long = "ignore-file", value_name = "FILE", conflicts_with = "server")]
    pub(crate) ignore_files: Vec<PathBuf>,
    /// Fail only on what is new: what this older report (JSON) or image has already is taken out as an exception
    #[arg(long, value_name = "IMAGE|REPORT.json", conflicts_with = "server")]
    pub(crate) baseline: Option<String>,
    /// Render a template (minijinja) over the JSON report to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Let a fleet do the work: URL of a coordinator, several separated by commas
    #[arg(long, env = "LAYERGATE_SERVER", value_name = "URL[,URL…]", value_delimiter = ',')]
    pub(crate) server: Vec<String>,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
    /// With --server: the name of the registry credential that the fleet reads with
    #[arg(long, value_name = "NAME")]
    pub(crate) credential: Option<String>,
    /// With --server: who asks
    #[arg(long, env = "LAYERGATE_TENANT", value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// End as error when the verdict takes longer (for example 90s, 10m)
    #[arg(long, env = "LAYERGATE_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct SbomArgs {
    /// The image, as for scan
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Platform OS/ARCH[/VARIANT]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// In which forms the reports are written, and where to.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OutputArgs {
    /// Output FORMAT[=FILE], repeatable: table, json, sarif, cyclonedx, spdx, junit, gitlab, markdown, html, csv, openvex
    #[arg(long = "output", short = 'o', alias = "format", short_alias = 'f', value_name = "FORMAT[=FILE]")]
    pub(crate) outputs: Vec<OutputSpec>,
    /// In the table, show every finding with its evidence, and those that the policy ignores
    #[arg(long)]
    pub(crate) details: bool,
}

/// What a verdict is made with, here or in a coordinator.
#[derive(Debug, Default, Args)]
pub(crate) struct JudgeArgs {
    /// Advisories: a snapshot file, or a directory of feeds to compile and cache. Without one, scan takes the data
    /// directory's current snapshot (layergate db update), a coordinator the fleet's; with one, a coordinator
    /// publishes it to the fleet
    #[arg(long, env = "LAYERGATE_DB", value_name = "PATH")]
    pub(crate) db: Option<PathBuf>,
    /// Policy (TOML); see docs/policy.md
    #[arg(long, env = "LAYERGATE_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// VEX document (OpenVEX, CSAF, CycloneDX), repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// Fail from this severity on: critical, high, medium, low, negligible, unknown (everything), or never
    #[arg(long, env = "LAYERGATE_FAIL_ON", value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Threshold>,
    /// Let findings without a fix pass with a warning; =false where the configuration says otherwise
    #[arg(long, alias = "ignore-unfixed", env = "LAYERGATE_ONLY_FIXED", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) only_fixed: Option<bool>,
    /// Take only a snapshot that this Ed25519 key signed (PEM, `openssl pkey -pubout`)
    #[arg(long, env = "LAYERGATE_VERIFY_KEY", value_name = "PEM")]
    pub(crate) verify_key: Option<PathBuf>,
}

/// How images are reached.
#[derive(Debug, Default, Args)]
pub(crate) struct SourceArgs {
    /// Speak plain HTTP to registries (loopback registries need no flag)
    #[arg(long, env = "LAYERGATE_PLAIN_HTTP", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) plain_http: Option<bool>,
}

/// How a scan comes by advisories that nobody named.
#[derive(Debug, Default, Args)]
pub(crate) struct RefreshArgs {
    /// Download no advisories (the image's own registry is still asked)
    #[arg(long, env = "LAYERGATE_OFFLINE", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) offline: Option<bool>,
    /// Refresh advisories that are older than this many days
    #[arg(long, env = "LAYERGATE_REFRESH_AFTER_DAYS", value_name = "DAYS", default_value_t = 1)]
    pub(crate) refresh_after_days: u16,
    /// Where they come from: oci://registry/repository[:tag] with a prebuilt snapshot; otherwise the feeds' own places
    #[arg(long, env = "LAYERGATE_DB_FROM", value_name = "URL")]
    pub(crate) db_from: Option<String>,
}

/// The deterministic limits of reading a layer.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Compressed bytes of one layer
    #[arg(long, env = "LAYERGATE_MAX_LAYER_BYTES", value_name = "SIZE", value_parser = bytes)]
    pub(crate) max_layer_bytes: Option<u64>,
    /// Bytes of one layer after decompression
    #[arg(long, env = "LAYERGATE_MAX_UNPACKED_BYTES", value_name = "SIZE", value_parser = bytes)]
    pub(crate) max_unpacked_bytes: Option<u64>,
    /// Unpacked bytes for each compressed byte
    #[arg(long, env = "LAYERGATE_MAX_RATIO", value_name = "N")]
    pub(crate) max_ratio: Option<u64>,
    /// Entries of one layer
    #[arg(long, env = "LAYERGATE_MAX_ENTRIES", value_name = "N")]
    pub(crate) max_entries: Option<u64>,
    /// Bytes of one path
    #[arg(long, env = "LAYERGATE_MAX_PATH_BYTES", value_name = "SIZE", value_parser = small_bytes)]
    pub(crate) max_path_bytes: Option<u32>,
    /// Bytes of one file that an analyzer wants whole
    #[arg(long, env = "LAYERGATE_MAX_FILE_BYTES", value_name = "SIZE", value_parser = bytes)]
    pub(crate) max_file_bytes: Option<u64>,
    /// Archives in archives
    #[arg(long, env = "LAYERGATE_MAX_NESTING", value_name = "N")]
    pub(crate) max_nesting: Option<u32>,
    /// Window of a zstd frame or dictionary of an xz stream
    #[arg(long, env = "LAYERGATE_MAX_WINDOW_BYTES", value_name = "SIZE", value_parser = bytes)]
    pub(crate) max_window_bytes: Option<u64>,
}

impl LimitArgs {
    /// The limits: what was said, over the defaults.
    pub(crate) fn limits(&self) -> Limits {
        let base = Limits::default();
        Limits {
            max_layer_bytes: self.max_layer_bytes.unwrap_or(base.max_layer_bytes),
            max_unpacked_bytes: self.max_unpacked_bytes.unwrap_or(base.max_unpacked_bytes),
            max_ratio: self.max_ratio.unwrap_or(base.max_ratio),
            max_entries: self.max_entries.unwrap_or(base.max_entries),
            max_path_bytes: self.max_path_bytes.unwrap_or(base.max_path_bytes),
            max_file_bytes: self.max_file_bytes.unwrap_or(base.max_file_bytes),
            max_nesting: self.max_nesting.unwrap_or(base.max_nesting),
            max_window_bytes: self.max_window_bytes.unwrap_or(base.max_window_bytes),
        }
    }
}

/// One `-o`: a format, and the file it goes to (standard output without one).
#[derive(Clone, Debug)]
pub(crate) struct OutputSpec {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for OutputSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err("a file name is missing behind the =".into()),
            Some((format, file)) => (format, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let unknown = |error: layergate_report::FormatError| match file {
            // Other scanners name the file alone.
            None if text.contains(['.', '/']) => format!("{error}; for a file say FORMAT={text}, such as json={text}"),
            _ => error.to_string(),
        };
        Ok(Self { format: format.parse().map_err(unknown)?, file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_name_a_format_and_a_file() {
        assert!("json=out.json".parse::<OutputSpec>().unwrap().file.is_some());
        assert!("report.json".parse::<OutputSpec>().unwrap_err().contains("say FORMAT=report.json"));
        assert!("json=".parse::<OutputSpec>().is_err() && "jsn".parse::<OutputSpec>().is_err());
    }
}
