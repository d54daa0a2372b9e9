//! `layergate db update|mirror|push`, and the refresh that a scan does by itself.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context, anyhow};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use layergate_advisory::Snapshot;
use layergate_feeds::{self as feeds, Event, EventSink, Expected, FetchLimits, MirrorReport, UpdateOptions};
use layergate_model::{Digest, ImageReference};
use layergate_registry::{SourceOptions, Sources, credentials::CredentialSources};

use crate::{
    args::{JudgeArgs, MirrorArgs, PushArgs, RefreshArgs, UpdateArgs},
    deltas,
    exit::{Failure, Outcome, usage},
    places,
    progress::shown,
    signature::{self, VerifyKey},
    snapshot,
};

/// Another process that updates the same mirror is waited for.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(1800);

/// The snapshot that a scan judges by. Without one it gets one, unless offline; an old one is refreshed, and used as it
/// is when that fails.
pub(crate) async fn snapshot_for(judge: &JudgeArgs, source: &RefreshArgs, quiet: bool) -> Result<Snapshot, Failure> {
    let key = judge.verify_key.as_deref().map(VerifyKey::read).transpose()?;
    let from = UpdateArgs { from: source.db_from.clone(), ..UpdateArgs::default() };
    if judge.db.is_some() || source.offline == Some(true) {
        return snapshot::open(judge.db.as_deref(), key.as_ref(), quiet);
    }
    let limits = FetchLimits { attempts: 2, ..FetchLimits::default() };
    match snapshot::sound()? {
        None => {
            let output = if quiet { Output::Nothing } else { Output::Size };
            let fresh = refresh(&from, key.as_ref(), limits, output).await;
            fresh.map_err(|error| match error {
                Failure::Error(e) => Failure::Error(e.context(
                    "there are no advisories, and none could be had; name a snapshot or a directory of feeds with --db",
                )),
                usage => usage,
            })?;
        }
        Some(path) => {
            let days = source.refresh_after_days;
            if is_older(&path, days) && key.is_some() && from.from.is_none() {
                crate::exit::say(&format!(
                    "the advisories are older than {days} days and are used as they are: signed ones only come from a registry (--db-from)"
                ));
            } else if is_older(&path, days) {
                let output = if quiet { Output::Nothing } else { Output::Progress };
                match refresh(&from, key.as_ref(), limits, output).await {
                    Ok(_) => {}
                    Err(Failure::Error(error)) => {
                        crate::exit::say(&format!(
                            "the advisories could not be refreshed, the old ones are used: {error:#}"
                        ));
                    }
                    Err(wrong) => return Err(wrong),
                }
            }
        }
    }
    snapshot::open(None, key.as_ref(), quiet)
}

/// Whether it is longer than `days` since the snapshot was installed or found to be current.
fn is_older(path: &Path, days: u16) -> bool {
    let installed = std::fs::metadata(path).and_then(|m| m.modified());
    let age = installed.ok().and_then(|t| SystemTime::now().duration_since(t).ok());
    age.is_none_or(|age| age > Duration::from_secs(u64::from(days) * 86_400))
}

/// `layergate db update`.
pub(crate) async fn update(args: &UpdateArgs, quiet: bool) -> Result<Outcome, Failure> {
    let key = args.verify_key.as_deref().map(VerifyKey::read).transpose()?;
    let say = if quiet { Output::Nothing } else { Output::Files };
    let output = refresh(args, key.as_ref(), FetchLimits::default(), say).await?;
    if !quiet {
        crate::exit::inform(&output);
    }
    Ok(Outcome::Done)
}

/// What is output of a refresh.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Nothing,
    /// The bars.
    Progress,
    /// The size before the first byte, for somebody who only asked for a scan; then the bars.
    Size,
    /// The bars, or where there is no terminal a line for each file that came.
    Files,
}

async fn refresh(
    args: &UpdateArgs,
    key: Option<&VerifyKey>,
    limits: FetchLimits,
    output: Output,
) -> Result<String, Failure> {
    let (path, what) = obtain(args, key, limits, output, snapshot::sound()?).await?;
    snapshot::make_current(&path)?;
    Ok(what)
}

/// Brings a snapshot for a fleet whose current one has the digest `current`, with a copy of it in `copy`: the same checks as
/// for this machine's own, and besides that a prebuilt one has not lost what is in force.
pub(crate) async fn for_fleet(
    args: &UpdateArgs,
    key: Option<&VerifyKey>,
    current: Option<&Digest>,
    copy: Option<&Path>,
) -> Result<PathBuf, Failure> {
    // Under the name that it was given here, an update without changes knows it again.
    let own = current.map(|digest| snapshot::directory().join(format!("sha256-{}.lgdb", digest.to_hex())));
    let measure = own.filter(|own| own.is_file()).or_else(|| copy.map(Path::to_owned));
    let (path, _) = obtain(args, key, FetchLimits::default(), Output::Nothing, measure.clone()).await?;
    if let Some(old) = measure.filter(|old| *old != path && args.from.is_some()) {
        let (old, new) = (snapshot::file(&old)?, snapshot::file(&path)?);
        let lost = feeds::regressions(old.manifest(), new.manifest());
        if !lost.is_empty() {
            return Err(feeds::UpdateError::Regressed(lost).into());
        }
        if new.newest() < old.newest() {
            let (new, old) = (new.newest().unwrap_or("undated"), old.newest().unwrap_or("undated"));
            return Err(anyhow!("its newest record is of {new}, and of the one in force of {old}: it is older").into());
        }
    }
    snapshot::make_current(&path)?;
    Ok(path)
}

/// Gets a snapshot into the data directory: its path, and what is to be said of it. It is not made current.
async fn obtain(
    args: &UpdateArgs,
    key: Option<&VerifyKey>,
    limits: FetchLimits,
    output: Output,
    current: Option<PathBuf>,
) -> Result<(PathBuf, String), Failure> {
    let quiet = output == Output::Nothing;
    if let Some(from) = &args.from {
        return pull(from, args.plain_http, key, output).await;
    }
    signature::refuse_unsigned(key, Path::new("the upstream feeds"))?;
    let options = UpdateOptions {
        mirror: places::data_dir().join("mirror"),
        snapshots: snapshot::directory(),
        current,
        sources: feeds::Sources::from_environment().map_err(usage)?,
        limits,
        force: args.force,
        wait_for_others: WAIT_FOR_OTHERS,
    };
    if output == Output::Size {
        say_size(&options).await?;
    }
    let bars = Bars::new(quiet, output == Output::Files);
    let report = feeds::update(&options, bars.sink()).await?;
    bars.clear();
    tell_failures(&report.mirror);
    let what = if report.changed {
        format!("{} is the current snapshot", report.digest)
    } else {
        format!("{} is current: nothing has changed", report.digest)
    };
    Ok((report.snapshot, what))
}

/// Says what the first scan is about to download.
async fn say_size(options: &UpdateOptions) -> Result<(), Failure> {
    let size = match feeds::expected(options, feeds::quiet()).await {
        Err(silent @ feeds::UpdateError::NothingCame(_)) => return Err(silent.into()),
        Ok(Expected { files, bytes, unknown }) if files > 0 => {
            let more =
                if unknown > 0 { format!(", and up to {unknown} more of a size not output") } else { String::new() };
            format!("{} in {files} files{more}", HumanBytes(bytes))
        }
        _ => "some hundred megabytes".to_owned(),
    };
    crate::exit::say(&first_time(&size));
    Ok(())
}

fn first_time(size: &str) -> String {
    format!("no advisories yet: getting them once, {size} (`layergate db update`; --db or --offline avoid it)")
}

async fn pull(
    from: &str,
    plain_http: bool,
    key: Option<&VerifyKey>,
    output: Output,
) -> Result<(PathBuf, String), Failure> {
    let reference = oci_reference(from)?;
    let bar = bar(output == Output::Nothing);
    let progress = bar.clone();
    let pulled = sources(plain_http)
        .pull_snapshot(&reference, &snapshot::directory(), &deltas::codec(), &move |bytes, total| {
            if bytes == 0 && output == Output::Size {
                crate::exit::say(&first_time(&HumanBytes(total).to_string()));
            }
            progress.set_length(total);
            progress.set_position(bytes);
        })
        .await?;
    bar.finish_and_clear();
    if let Some(why) = &pulled.detour {
        crate::exit::say(&format!("the whole snapshot was fetched, for its deltas could not be used: {why}"));
    }
    if let Some(key) = key {
        let unsigned = || anyhow!("it has no signature");
        let checked = pulled.signature.as_deref().ok_or_else(unsigned).and_then(|s| key.check(&pulled.digest, s));
        checked.with_context(|| format!("the advisories of {reference} are refused, the old ones stay in force"))?;
    }
    // Without a key nobody has looked at it; it is kept for whoever opens the file with one.
    signature::write_beside(&pulled.path, pulled.signature.as_deref())?;
    let came = match (pulled.fetched, pulled.deltas) {
        (0, _) => "it was here already".to_owned(),
        (bytes, 0) => format!("{} fetched", HumanBytes(bytes)),
        (bytes, 1) => format!("{} fetched, a delta", HumanBytes(bytes)),
        (bytes, deltas) => format!("{} fetched, {deltas} deltas", HumanBytes(bytes)),
    };
    let what =
        format!("{} is the current snapshot (from {reference}, manifest {}; {came})", pulled.digest, pulled.manifest);
    Ok((pulled.path, what))
}

/// `layergate db mirror`.
pub(crate) async fn mirror(args: &MirrorArgs, quiet: bool) -> Result<Outcome, Failure> {
    let bars = Bars::new(quiet, !quiet);
    let options = UpdateOptions {
        mirror: args.to.clone(),
        snapshots: snapshot::directory(),
        current: None,
        sources: feeds::Sources::from_environment().map_err(usage)?,
        limits: FetchLimits::default(),
        force: false,
        wait_for_others: WAIT_FOR_OTHERS,
    };
    let report = feeds::mirror(&options, bars.sink()).await?;
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
    let signature = signature::beside_text(&file)?;
    let (kept, codec) = (snapshot::directory(), deltas::codec());
    let sources = sources(args.plain_http);
    let manifest = sources.push_snapshot(&file, signature.as_deref(), &reference, &kept, &codec).await?;
    if !quiet {
        crate::exit::inform(&format!("{} is at {reference} (manifest {manifest})", file.display()));
    }
    Ok(Outcome::Done)
}

fn sources(plain_http: bool) -> Sources {
    let credentials = CredentialSources::from_environment(None);
    Sources::new(SourceOptions { plain_http, credentials, ..SourceOptions::default() })
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
        crate::exit::say(&format!("{source}/{}: {}; {older}", failure.file, failure.why));
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
struct Bars {
    bar: ProgressBar,
    /// Whether files are named on lines of their own.
    lines: bool,
}

impl Bars {
    /// With `lines`, files are named where no bar can be drawn.
    fn new(quiet: bool, lines: bool) -> Self {
        let bar = bar(quiet);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} files  {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, lines: lines && !shown(quiet) }
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn sink(&self) -> EventSink {
        let (bar, lines) = (self.bar.clone(), self.lines);
        let said = Arc::new(Mutex::new(String::new()));
        Arc::new(move |event| {
            let mut message = said.lock().unwrap_or_else(PoisonError::into_inner);
            if lines && let Some(line) = line(&event) {
                crate::exit::say(&line);
            }
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

/// What is worth a line in a log.
fn line(event: &Event) -> Option<String> {
    match event {
        Event::Planned { files } => Some(format!("getting advisories: {files} files")),
        Event::Fetched { file, bytes: Some(bytes) } => Some(format!("{file}: {}", HumanBytes(*bytes))),
        Event::Waiting { .. } => Some("another update is at work: waiting for it".to_owned()),
        _ => None,
    }
}
