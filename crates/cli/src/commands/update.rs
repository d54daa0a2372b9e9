//! `layergate db update|mirror|push`, and the refresh that a scan does by itself.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use layergate_advisory::Snapshot;
use layergate_feeds::{self as feeds, Event, FetchLimits, MirrorReport, Tell, UpdateOptions};
use layergate_model::ImageReference;
use layergate_registry::{SourceOptions, Sources, credentials::CredentialSources};

use crate::{
    args::{MirrorArgs, PushArgs, ScanArgs, UpdateArgs},
    config::Config,
    exit::{Failure, Outcome, usage},
    places,
    progress::shown,
    snapshot,
};

/// After how many days a scan looks for newer advisories when the configuration does not say otherwise.
const REFRESH_AFTER_DAYS: u16 = 1;
/// Another process that updates the same mirror is waited for.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(1800);

/// The snapshot that a scan judges by. Without one it gets one, unless offline; an old one is refreshed, and used as it
/// is when that fails.
pub(crate) async fn snapshot_for_scan(args: &ScanArgs, config: &Config, quiet: bool) -> Result<Snapshot, Failure> {
    let cache = args.source.cache_dir.as_deref();
    if args.judge.db.is_some() || args.source.offline {
        return snapshot::open(args.judge.db.as_deref(), cache, quiet);
    }
    let limits = FetchLimits { attempts: 2, ..FetchLimits::default() };
    match snapshot::current_path()? {
        None => {
            if !quiet {
                eprintln!(
                    "layergate: no advisories yet: getting them once, some hundred megabytes (`layergate db update`; --db or --offline avoid it)"
                );
            }
            let fresh = refresh(&UpdateArgs::from_environment(), limits, quiet).await;
            fresh.map_err(|error| match error {
                Failure::Error(e) => Failure::Error(e.context(
                    "there are no advisories, and none could be had; name a snapshot or a directory of feeds with --db",
                )),
                usage => usage,
            })?;
        }
        Some(path) => {
            let days = config.refresh_after_days.unwrap_or(REFRESH_AFTER_DAYS);
            if is_older(&path, days)
                && let Err(Failure::Error(error)) = refresh(&UpdateArgs::from_environment(), limits, quiet).await
            {
                eprintln!("layergate: the advisories could not be refreshed, the old ones are used: {error:#}");
            }
        }
    }
    snapshot::open(None, cache, quiet)
}

/// Whether it is longer than `days` since the snapshot was installed or found to be current.
fn is_older(path: &Path, days: u16) -> bool {
    let installed = std::fs::metadata(path).and_then(|m| m.modified());
    let age = installed.ok().and_then(|t| SystemTime::now().duration_since(t).ok());
    age.is_none_or(|age| age > Duration::from_secs(u64::from(days) * 86_400))
}

impl UpdateArgs {
    fn from_environment() -> Self {
        Self { from: std::env::var("LAYERGATE_DB_FROM").ok().filter(|v| !v.is_empty()), ..Self::default() }
    }
}

/// `layergate db update`.
pub(crate) async fn update(args: &UpdateArgs, quiet: bool) -> Result<Outcome, Failure> {
    let told = refresh(args, FetchLimits::default(), quiet).await?;
    if !quiet {
        eprintln!("{told}");
    }
    Ok(Outcome::Done)
}

async fn refresh(args: &UpdateArgs, limits: FetchLimits, quiet: bool) -> Result<String, Failure> {
    if let Some(from) = &args.from {
        return pull(from, args.plain_http, quiet).await;
    }
    let bars = Bars::new(quiet);
    let options = UpdateOptions {
        mirror: places::data_dir().join("mirror"),
        snapshots: snapshot::directory(),
        current: snapshot::current_path()?.filter(|p| p.is_file()),
        sources: feeds::Sources::from_environment().map_err(usage)?,
        limits,
        force: args.force,
        wait_for_others: WAIT_FOR_OTHERS,
    };
    let report = feeds::update(&options, bars.tell()).await?;
    bars.clear();
    tell_failures(&report.mirror);
    snapshot::make_current(&report.snapshot)?;
    Ok(if report.changed {
        format!("{} is the current snapshot", report.digest)
    } else {
        format!("{} is current: nothing has changed", report.digest)
    })
}

async fn pull(from: &str, plain_http: bool, quiet: bool) -> Result<String, Failure> {
    let reference = oci_reference(from)?;
    let bar = bar(quiet);
    let progress = bar.clone();
    let pulled = sources(plain_http)?
        .pull_snapshot(&reference, &snapshot::directory(), &move |bytes, total| {
            progress.set_length(total);
            progress.set_position(bytes);
        })
        .await?;
    bar.finish_and_clear();
    snapshot::make_current(&pulled.path)?;
    Ok(format!("{} is the current snapshot (from {reference}, manifest {})", pulled.digest, pulled.manifest))
}

/// `layergate db mirror`.
pub(crate) async fn mirror(args: &MirrorArgs, quiet: bool) -> Result<Outcome, Failure> {
    let bars = Bars::new(quiet);
    let options = UpdateOptions {
        mirror: args.to.clone(),
        snapshots: snapshot::directory(),
        current: None,
        sources: feeds::Sources::from_environment().map_err(usage)?,
        limits: FetchLimits::default(),
        force: false,
        wait_for_others: WAIT_FOR_OTHERS,
    };
    let report = feeds::mirror(&options, bars.tell()).await?;
    bars.clear();
    tell_failures(&report);
    if report.failures().next().is_some() {
        return Err(anyhow!("the mirror {} is not complete", args.to.display()).into());
    }
    Ok(Outcome::Done)
}

/// `layergate db push`.
pub(crate) async fn push(args: &PushArgs, quiet: bool) -> Result<Outcome, Failure> {
    let reference = oci_reference(&args.to)?;
    let file = match &args.db {
        Some(path) => path.clone(),
        None => snapshot::current_path()?
            .ok_or_else(|| anyhow!("there is no current snapshot; run `layergate db update`, or name one with --db"))?,
    };
    // What cannot be opened here could not be used by anybody.
    snapshot::file(&file)?;
    let manifest = sources(args.plain_http)?.push_snapshot(&file, &reference).await?;
    if !quiet {
        eprintln!("{} is at {reference} (manifest {manifest})", file.display());
    }
    Ok(Outcome::Done)
}

fn sources(plain_http: bool) -> Result<Sources, Failure> {
    let credentials = CredentialSources::from_environment(None);
    Ok(Sources::new(SourceOptions { plain_http, credentials, ..SourceOptions::default() })?)
}

fn oci_reference(text: &str) -> Result<ImageReference, Failure> {
    let Some(rest) = text.strip_prefix("oci://") else {
        return Err(usage(anyhow!("{text:?} is not oci://registry/repository[:tag]")));
    };
    rest.parse().with_context(|| format!("{text:?} is not oci://registry/repository[:tag]")).map_err(usage)
}

fn tell_failures(report: &MirrorReport) {
    for (source, failure) in report.failures() {
        let older = if failure.older_kept { "the older copy is used" } else { "nothing of it is used" };
        eprintln!("layergate: {source}/{}: {}; {older}", failure.file, failure.why);
    }
}

fn bar(quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_draw_target(if shown(quiet) { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// One line for a whole update: files done, and what is happening.
struct Bars(ProgressBar);

impl Bars {
    fn new(quiet: bool) -> Self {
        let bar = bar(quiet);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} files  {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }

    fn tell(&self) -> Tell {
        let bar = self.0.clone();
        let said = Arc::new(Mutex::new(String::new()));
        Arc::new(move |event| {
            let mut message = said.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::Planned { files } => bar.set_length(files as u64),
                Event::Fetched { .. } => bar.inc(1),
                Event::Failed { file, why } => {
                    bar.inc(1);
                    *message = format!("{file}: {why}");
                }
                Event::Received { file, bytes } => *message = format!("{file}: {} MiB", bytes >> 20),
                Event::Retry { file, why, wait } => *message = format!("{file}: {why}; again in {} s", wait.as_secs()),
                Event::Waiting { .. } => "another update is at work: waiting for it".clone_into(&mut message),
                Event::Building(p) => *message = format!("compiling: {} records", p.records),
                Event::Started { file, .. } => *message = file,
            }
            bar.set_message(message.clone());
        })
    }
}
