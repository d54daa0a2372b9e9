//! `layergate scan` and `layergate sbom` on this machine: the fleet's own coordinator and worker over local adapters.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::anyhow;
use layergate_advisory::Snapshot;
use layergate_fleet::{
    evaluator::Snapshots,
    evaluator::StandardEvaluator,
    evaluator::StandardEvaluatorConfig,
    reader::CatalogueReader,
    scan::{Scan, scan_once},
};
use layergate_inventory::Catalogue;
use layergate_local::{ACK_WAIT, DirCache, KeptReports, one_process};
use layergate_model::{Limits, Report, Severity, Verdict};
use layergate_policy::{Policy, VexDocument};
use layergate_ports::{
    LayerCache,
    observe::{NoopObserver, Observer},
    values::{ImageLocator, KeyScope, PlatformSelection, VerdictRecord},
};
use layergate_registry::{Location, SourceOptions, Sources, credentials::CredentialSources};
use layergate_report::Format;

use super::failures::{print_failure, print_record};
use crate::{
    args::{JudgeArgs, OutputSpec, SbomArgs, ScanArgs},
    exit::{Failure, Outcome, usage},
    judge, output, places,
    progress::{self, LayerBars},
    template::Template,
    unscanned,
};

/// How long an image may take when nobody says otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3600);
/// Bytes of layer inventories kept between runs.
pub(crate) const CACHE_BUDGET: u64 = 4 << 30;
/// Bytes of reports kept between runs: some thousand.
const REPORTS_BUDGET: u64 = 256 << 20;

/// Everything that a scan on this machine needs besides the images.
#[derive(Clone)]
pub(crate) struct LocalScan {
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) policy: Policy,
    pub(crate) vex: Vec<VexDocument>,
    pub(crate) as_of: jiff::civil::Date,
    pub(crate) limits: Limits,
    pub(crate) cache_dir: PathBuf,
    pub(crate) plain_http: bool,
    pub(crate) platforms: PlatformSelection,
    pub(crate) timeout: Duration,
    pub(crate) quiet: bool,
}

/// `layergate scan`.
pub(crate) async fn run(args: ScanArgs, quiet: bool) -> Result<Outcome, Failure> {
    if let Some(severities) = &args.severity {
        let least = severities.split(',').filter_map(|s| s.parse::<Severity>().ok()).min().unwrap_or(Severity::High);
        return Err(usage(anyhow!(
            "--severity hides findings elsewhere; here the report has all of them, and --fail-on says from where on the image fails: --fail-on {least}"
        )));
    }
    let locations = locations(&args.images);
    let files = inputs(&args, locations.as_deref().unwrap_or_default());
    output::begin(&args.output.outputs, args.template.is_some(), &files, &names(&locations))?;
    let locations = locations?;
    let platforms = platforms(&args.platforms)?;
    output::check_number(&args.output.outputs, images(locations.len(), &platforms))?;
    let template = args.template.as_deref().map(Template::read).transpose()?;
    let outputs = args.output.clone();
    let references: Vec<String> = locations.iter().map(ToString::to_string).collect();
    if args.server.is_empty() && args.credential.is_some() {
        return Err(usage(anyhow!(
            "--credential names one of a fleet's credentials (--server): here the Docker configuration of this machine is read"
        )));
    }
    let judged = match args.server.is_empty() {
        true => local(args, locations, platforms, quiet).await,
        false => interruptible(super::remote::scan(args, locations, platforms)).await,
    };
    let (reports, verdict) = match judged {
        Ok(judged) => judged,
        Err(Failure::Error(error)) => {
            // The documents say so too, or the step that reads them would find none, or one of yesterday.
            let why = format!("{error:#}");
            let reported: Vec<Report> = references.iter().map(|r| unscanned::without_pins(r, &why)).collect();
            if !outputs.outputs.is_empty() {
                output::write(&reported, &outputs)?;
            }
            return Err(Failure::Error(error));
        }
        Err(usage) => return Err(usage),
    };
    if template.is_none() || !outputs.outputs.is_empty() {
        output::write(&reports, &outputs)?;
    }
    if let Some(template) = template {
        output::to_stdout(template.render(reports)?.as_bytes())?;
    }
    Ok(Outcome::Judged(verdict))
}

/// Files that a scan reads.
fn inputs<'a>(args: &'a ScanArgs, locations: &'a [Location]) -> Vec<&'a Path> {
    let JudgeArgs { db, policy, vex, verify_key, .. } = &args.judge;
    let named = [db, policy, verify_key, &args.template, &args.api.api_token_file, &args.api.api_ca];
    let named = named.into_iter().flatten().chain(vex).chain(&args.ignore_files).map(PathBuf::as_path);
    let baseline = args.baseline.as_deref().map(Path::new);
    named.chain(baseline).chain(locations.iter().filter_map(Location::file)).collect()
}

/// What the images are called in documents: nothing of what could not be read, which may hold a password.
fn names(locations: &Result<Vec<Location>, Failure>) -> Vec<String> {
    match locations {
        Ok(locations) => locations.iter().map(ToString::to_string).collect(),
        Err(_) => vec!["what is no name of an image".to_owned()],
    }
}

/// Images that the documents are about, as far as it is known before they are asked for.
fn images(locations: usize, platforms: &PlatformSelection) -> usize {
    match platforms {
        PlatformSelection::List(list) => locations * list.len(),
        _ => locations,
    }
}

/// The scan of this machine.
async fn local(
    args: ScanArgs,
    locations: Vec<Location>,
    platforms: PlatformSelection,
    quiet: bool,
) -> Result<(Vec<Report>, Verdict), Failure> {
    let policy = judge::local_policy(&args.judge)?.with_exceptions(judge::ignore_files(&args.ignore_files)?);
    let vex = judge::vex(&args.judge.vex)?;
    let snapshot = interruptible(super::update::snapshot_for(&args.judge, &args.refresh, quiet)).await?;
    let mut scan = LocalScan {
        snapshot: Some(snapshot),
        policy,
        vex,
        as_of: args.as_of.unwrap_or_else(judge::today),
        limits: args.limits.limits(),
        cache_dir: places::cache_dir(),
        plain_http: args.source.plain_http.unwrap_or(false),
        platforms,
        timeout: args.timeout.unwrap_or(TIMEOUT),
        quiet,
    };
    if let Some(baseline) = &args.baseline {
        let known = interruptible(baseline_reports(baseline, &scan)).await?;
        scan.policy = scan.policy.with_exceptions(crate::baseline::exceptions(&known));
    }
    interruptible(scan.run(locations)).await
}

/// The reports of `--baseline`: kept ones, or those of an image that is scanned first.
async fn baseline_reports(baseline: &str, scan: &LocalScan) -> Result<Vec<Report>, Failure> {
    let path = std::path::Path::new(baseline);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        return crate::reports::read(path);
    }
    let location = baseline.parse().map_err(usage)?;
    let (reports, _) = scan.clone().run(vec![location]).await?;
    if reports.is_empty() || reports.iter().any(unscanned::is_one) {
        return Err(anyhow!("the baseline {baseline} could not be scanned: what is new is not known").into());
    }
    Ok(reports)
}

/// `layergate sbom`: the same scan, judged by nothing.
pub(crate) async fn sbom(args: SbomArgs, quiet: bool) -> Result<Outcome, Failure> {
    let scan = LocalScan {
        snapshot: None,
        policy: Policy::default(),
        vex: Vec::new(),
        as_of: judge::today(),
        limits: args.limits.limits(),
        cache_dir: places::cache_dir(),
        plain_http: args.source.plain_http.unwrap_or(false),
        platforms: args.platform.map_or(PlatformSelection::Default, |p| PlatformSelection::List(vec![p])),
        timeout: TIMEOUT,
        quiet,
    };
    let locations = locations(std::slice::from_ref(&args.image));
    let files: Vec<&Path> = locations.iter().flatten().filter_map(Location::file).collect();
    output::begin(&args.output.outputs, false, &files, &names(&locations))?;
    let locations = locations?;
    let (mut reports, _) = interruptible(scan.run(locations)).await?;
    reports.retain(|report| !unscanned::is_one(report));
    if reports.is_empty() {
        return Err(anyhow!("there is nothing to list of {}", args.image).into());
    }
    let mut outputs = args.output;
    if outputs.outputs.is_empty() {
        outputs.outputs.push(OutputSpec { format: Format::CycloneDx, file: None });
    }
    output::write(&reports, &outputs)?;
    // An SBOM that misses what could not be read must not look complete to a pipeline.
    let hidden: Vec<_> = reports
        .iter()
        .flat_map(|r| &r.gaps)
        .filter(|g| g.kind.hides_packages() && g.kind != layergate_model::GapKind::NoAdvisories)
        .collect();
    for gap in &hidden {
        crate::exit::say(&format!("the SBOM is incomplete: {}: {}", gap.place, gap.detail));
    }
    Ok(if hidden.is_empty() { Outcome::Done } else { Outcome::Judged(Verdict::Error) })
}

/// Reads the IMAGE arguments.
fn locations(images: &[String]) -> Result<Vec<Location>, Failure> {
    images.iter().map(|text| text.parse().map_err(usage)).collect()
}

/// Reads the --platform arguments.
pub(crate) fn platforms(texts: &[String]) -> Result<PlatformSelection, Failure> {
    if texts.is_empty() {
        return Ok(PlatformSelection::Default);
    }
    if texts.iter().any(|t| t == "all") {
        return Ok(PlatformSelection::All);
    }
    texts.iter().map(|t| t.parse().map_err(usage)).collect::<Result<_, _>>().map(PlatformSelection::List)
}

/// Ends with an error, after saying so, when somebody presses Ctrl-C or asks the process to stop.
pub(crate) async fn interruptible<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = work => result,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted: there is no verdict").into()),
        _ = terminate.recv() => Err(anyhow!("asked to stop: there is no verdict").into()),
    }
}

impl LocalScan {
    /// The reports of all images in their order, and the worst verdict. What could not be had at all is said on
    /// standard error and counts as `error`.
    async fn run(self, locations: Vec<Location>) -> Result<(Vec<Report>, Verdict), Failure> {
        let sources = Sources::new(SourceOptions {
            plain_http: self.plain_http,
            local: true,
            credentials: CredentialSources::from_environment(None),
            limits: self.limits.clone(),
            ..SourceOptions::default()
        });
        let mut worst = Verdict::Pass;
        let mut slots: Vec<Vec<Report>> = Vec::new();
        let mut images = Vec::new();
        for location in locations {
            let position = slots.len();
            slots.push(Vec::new());
            match sources.recognise(&location).await {
                Ok(location) => images.push((position, (location.locator(), self.platforms.clone()))),
                Err(error) => {
                    print_failure(&location.to_string(), &error);
                    let why = error.to_string();
                    slots[position].push(unscanned::report(&location.to_string(), &why, &self.pins()));
                }
            }
        }
        let (positions, images): (Vec<_>, Vec<_>) = images.into_iter().unzip();
        let scanned = self.images(sources, &images).await?;
        for (position, (record, reports)) in positions.into_iter().zip(scanned) {
            print_record(&record);
            worst = worst.max(record.verdict);
            let why = unscanned::why(&record).filter(|_| reports.is_empty());
            slots[position].extend(why.map(|why| unscanned::report(&record.reference, &why, &self.pins())));
            slots[position].extend(reports);
        }
        let reports: Vec<Report> = slots.into_iter().flatten().collect();
        let judged = reports.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Pass);
        Ok((reports, worst.max(judged)))
    }

    fn pins(&self) -> unscanned::Pins<'_> {
        let Self { snapshot, policy, vex, limits, as_of, .. } = self;
        unscanned::Pins { snapshot: snapshot.as_ref(), policy, vex, limits, as_of: *as_of }
    }

    async fn images(
        &self,
        sources: Sources,
        images: &[(ImageLocator, PlatformSelection)],
    ) -> Result<Vec<(VerdictRecord, Vec<Report>)>, Failure> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let catalogue = Arc::new(Catalogue::standard());
        let analyzers = catalogue.fingerprint();
        let scope =
            KeyScope { namespace: Default::default(), analyzers: analyzers.clone(), limits: self.limits.clone() };
        let cache: Arc<dyn LayerCache> = Arc::new(DirCache::new(self.cache_dir.join("layers"), CACHE_BUDGET));
        let observer: Arc<dyn Observer> =
            if progress::shown(self.quiet) { LayerBars::new() } else { Arc::new(NoopObserver) };
        let evaluator = StandardEvaluator::new(StandardEvaluatorConfig {
            snapshots: Snapshots::Fixed(self.snapshot.clone()),
            policy: self.policy.clone(),
            vex: self.vex.clone(),
            limits: self.limits.clone(),
            analyzers,
        });
        let reports = places::seal().map(|secret| {
            KeptReports::new(self.cache_dir.join("reports"), REPORTS_BUDGET, env!("LAYERGATE_EDITION"), secret)
        });
        let scan = Scan {
            source: Arc::new(sources),
            ports: one_process(Some(cache), reports),
            ack_wait: ACK_WAIT,
            evaluator: Arc::new(evaluator),
            reader: Arc::new(CatalogueReader::new(catalogue, self.limits.clone())),
            fingerprint: scope.fingerprint(),
            limits: self.limits.clone(),
            observer,
            concurrency: std::thread::available_parallelism().map_or(2, usize::from).min(16),
            images: 4,
            timeout: self.timeout,
            as_of: self.as_of.to_string(),
        };
        let scanned = scan_once(scan, images).await?;
        let owned = |report: Arc<Report>| Arc::try_unwrap(report).unwrap_or_else(|shared| (*shared).clone());
        Ok(scanned.into_iter().map(|s| (s.record, s.reports.into_iter().map(owned).collect())).collect())
    }
}
