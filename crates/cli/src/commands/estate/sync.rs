//! `estate sync`, `rescan` and `retry`: runs, each with its ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::anyhow;
use jiff::Timestamp;
use layergate_estate::{
    Event, Flip, Found, Judged, Ledger, OpenEstate, Run, RunId, RunKind, Standing, State, TagEntry, notices,
};
use layergate_local::EstateDir;
use layergate_model::{Digest, ImageReference};
use layergate_ports::values::PlatformSelection;
use layergate_registry::{SourceOptions, Sources, credentials::CredentialSources};

use super::{
    deliver::Teams,
    enumerate::{Enumeration, Target, enumerate},
    judge::Rules,
    print,
    read::Reader,
    store,
};
use crate::{
    args::{RescanArgs, RetryArgs, RunArgs, SourceArgs, SyncArgs, WhatIfArgs},
    commands::scan::{TIMEOUT, platforms},
    exit::{Failure, Outcome, usage},
    places,
};

/// Images that are read before they are kept and the catalogue is updated: what a crash costs at most.
const BATCH: usize = 32;

/// `layergate estate sync`.
pub(super) async fn sync(args: SyncArgs, quiet: bool) -> Result<Outcome, Failure> {
    let targets: Vec<Target> = args.targets.iter().map(|t| Target::read(t)).collect::<Result<_, _>>()?;
    let selection = platforms(&args.platforms)?;
    let teams = Teams::read(args.teams.teams.as_deref())?;
    let mut run = Running::begin(RunKind::Sync, &args.run, targets, &selection, quiet).await?;
    run.enumerate(&args.source, selection, args.timeout, None).await?;
    run.end(&args.run, &teams).await
}

/// `layergate estate retry`.
pub(super) async fn retry(args: RetryArgs, quiet: bool) -> Result<Outcome, Failure> {
    let teams = Teams::read(args.teams.teams.as_deref())?;
    let estate = super::open(&args.run.state).await?;
    let Some(before) = estate.state.runs.get(&args.id).cloned() else {
        let dir = super::directory(&args.run.state);
        return Err(usage(anyhow!(
            "the estate in {} knows no run {}; `layergate estate ledger --all` lists them",
            dir.display(),
            args.id
        )));
    };
    let is_open = before.ended.is_none();
    let names: Vec<String> = match is_open {
        true => before.scope.clone(),
        false => before.errors.keys().cloned().collect(),
    };
    if names.is_empty() {
        return Err(usage(anyhow!("nothing ended as error in the run {}", args.id)));
    }
    // A name that a registry listed and that cannot be asked for is no target; it stays an error beside the others.
    let targets: Vec<Target> = names.iter().filter_map(|name| Target::read(name).ok()).collect();
    if targets.is_empty() {
        return Err(usage(anyhow!(
            "nothing of the run {} can be asked for by its name: correct the registry, then sync it again",
            args.id
        )));
    }
    let selection = match args.platforms.is_empty() {
        true => asked_before(&before, &estate.state, &targets)?,
        false => platforms(&args.platforms)?,
    };
    drop(estate);
    let mut run = Running::begin(RunKind::Retry, &args.run, targets, &selection, quiet).await?;
    if !is_open {
        run.failed.extend(before.errors.into_iter().filter(|(name, _)| Target::read(name).is_err()));
    }
    let again: Option<BTreeSet<String>> = (!is_open).then(|| names.into_iter().collect());
    run.enumerate(&args.source, selection, args.timeout, again).await?;
    run.end(&args.run, &teams).await
}

/// The platforms of a run that is tried again: other ones would drop images that it had. A rescan has none of its own; then
/// they are those of its references.
fn asked_before(before: &Run, state: &State, targets: &[Target]) -> Result<PlatformSelection, Failure> {
    let own = Some(before.platforms.as_str()).filter(|words| !words.is_empty());
    let covered = |name: &str| targets.iter().any(|target| target.covers(name));
    let theirs = || state.tags.iter().filter(|(name, _)| covered(name)).map(|(_, entry)| entry.platforms.as_str());
    let all: BTreeSet<&str> = own.map_or_else(|| theirs().collect(), |words| BTreeSet::from([words]));
    let mut all = all.into_iter();
    match (all.next(), all.next()) {
        (None | Some("default"), None) => Ok(PlatformSelection::Default),
        (Some(words), None) => platforms(&words.split(',').map(str::to_owned).collect::<Vec<_>>()),
        (_, Some(_)) => Err(usage(anyhow!(
            "the references of this run were read for different platforms: sync them again with the --platform that they had"
        ))),
    }
}

/// `layergate estate rescan`.
pub(super) async fn rescan(args: RescanArgs, quiet: bool) -> Result<Outcome, Failure> {
    let teams = Teams::read(args.teams.teams.as_deref())?;
    let store = store(&args.run.state)?;
    let claim = store.claim()?;
    let rules = Rules::read(&args.run, quiet).await?;
    let mut estate = OpenEstate::load(Arc::new(store)).await?;
    if estate.state.tags.is_empty() {
        return Err(anyhow!(
            "the estate in {} is empty: `layergate estate sync REGISTRY` fills it",
            super::directory(&args.run.state).display()
        )
        .into());
    }
    let last = estate.state.last_run().map(|(id, run)| (id.clone(), run.inputs.clone()));
    let at = Timestamp::now();
    let id = RunId::new(at, RunKind::Rescan, random());
    let pins = rules.pins();
    let unchanged = last.as_ref().is_some_and(|(_, inputs)| *inputs == pins.inputs());
    let judged = estate.judge(&id, &pins, at).await?;
    let idle = judged.events.is_empty() && !teams.are_awaited(&estate);
    if let (true, Some((last, _))) = (unchanged && idle, last) {
        // Nothing is another: nothing is written, not even that somebody looked.
        let mut ledger = Ledger::new(last, RunKind::Rescan);
        estate.state.tags.values().for_each(|entry| ledger.count(entry));
        let ledger = ledger.close();
        tracing::info!(bytes = estate.written(), "nothing has changed since the last run");
        drop(claim);
        return print::run(&ledger, &[], &BTreeMap::new(), args.run.state.output);
    }
    let kind = RunKind::Rescan;
    estate.commit(Event::run_began((&id, kind, at), &[], "", &pins.inputs())).await?;
    let run = Running {
        estate,
        id,
        kind,
        at,
        targets: Vec::new(),
        failed: BTreeMap::new(),
        rules,
        quiet,
        claim: Box::new(claim),
    };
    run.settle(judged, &args.run, &teams).await
}

/// `layergate estate what-if`.
pub(super) async fn what_if(args: WhatIfArgs, quiet: bool) -> Result<Outcome, Failure> {
    let rules = Rules::read(&args.run, quiet).await?;
    let mut estate = super::open(&args.run.state).await?;
    let at = Timestamp::now();
    let judged = estate.judge(&RunId::new(at, RunKind::Rescan, random()), &rules.pins(), at).await?;
    print::what_if(&judged.flips, estate.state.units().count(), args.run.state.output)
}

/// A run that is at work.
struct Running {
    estate: OpenEstate,
    id: RunId,
    kind: RunKind,
    at: Timestamp,
    targets: Vec<Target>,
    /// What could not be enumerated, with why.
    failed: BTreeMap<String, String>,
    rules: Rules,
    quiet: bool,
    /// Ends when the run does.
    #[allow(dead_code, reason = "held, not read")]
    claim: Box<dyn Send + Sync>,
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    // Names of one second would be the same; a run's name is no secret.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    u32::from_le_bytes(bytes)
}

impl Running {
    async fn begin(
        kind: RunKind,
        args: &RunArgs,
        targets: Vec<Target>,
        selection: &PlatformSelection,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let store: EstateDir = store(&args.state)?;
        let claim = store.claim()?;
        let rules = Rules::read(args, quiet).await?;
        let mut estate = OpenEstate::load(Arc::new(store)).await?;
        let at = Timestamp::now();
        let id = RunId::new(at, kind, random());
        let scope: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let inputs = rules.pins().inputs();
        estate.commit(Event::run_began((&id, kind, at), &scope, &words(selection), &inputs)).await?;
        let failed = BTreeMap::new();
        Ok(Self { estate, id, kind, at, targets, failed, rules, quiet, claim: Box::new(claim) })
    }

    /// Walks the targets and reads what is not known; of `again`, everything.
    async fn enumerate(
        &mut self,
        source: &SourceArgs,
        selection: PlatformSelection,
        timeout: Option<Duration>,
        again: Option<BTreeSet<String>>,
    ) -> Result<(), Failure> {
        let sources = self.sources(source);
        let found = enumerate(&sources, &self.targets).await;
        let platforms = words(&selection);
        self.note_gone(&found, &platforms).await?;
        let mut events = Vec::new();
        let mut wanted: BTreeMap<Digest, Vec<ImageReference>> = BTreeMap::new();
        for (name, root) in &found.references {
            match root {
                Err(why) => {
                    let found = Found::Unreadable(why.clone());
                    events.push(self.seen(name, None, &platforms, found));
                }
                Ok(root) => {
                    let known = self.estate.state.tags.get(name);
                    let forced = again.as_ref().is_some_and(|again| again.contains(name));
                    if known.is_some_and(|known| !forced && self.is_known(known, root, &platforms)) {
                        if known.is_some_and(|k| k.standing != Standing::Current && k.standing.is_watched()) {
                            events.extend(
                                known.map(|k| self.seen(name, Some(*root), &platforms, Found::Images(k.units.clone()))),
                            );
                        }
                        continue;
                    }
                    if let Ok(reference) = name.parse::<ImageReference>() {
                        wanted.entry(*root).or_default().push(reference);
                    }
                }
            }
        }
        self.estate.commit(events).await?;
        self.failed.extend(found.failed);
        let reader = Reader {
            sources,
            limits: self.rules.limits.clone(),
            cache_dir: places::cache_dir(),
            platforms: selection,
            timeout: timeout.unwrap_or(TIMEOUT),
            as_of: self.rules.as_of,
            quiet: self.quiet,
        };
        let wanted: Vec<(Digest, Vec<ImageReference>)> = wanted.into_iter().collect();
        for batch in wanted.chunks(BATCH) {
            // The tags of one digest are one image: it is read once, by the first of them.
            let pinned: Vec<ImageReference> = batch
                .iter()
                .filter_map(|(root, references)| {
                    references.first().map(|first| ImageReference { digest: Some(*root), ..first.clone() })
                })
                .collect();
            let read = reader.read(&pinned).await?;
            let mut events = Vec::new();
            for ((root, references), (found, images)) in batch.iter().zip(read) {
                for kept in &images {
                    self.estate.keep(kept).await?;
                }
                events.extend(
                    references.iter().map(|r| self.seen(&r.to_string(), Some(*root), &platforms, found.clone())),
                );
            }
            self.estate.commit(events).await?;
        }
        Ok(())
    }

    fn seen(&self, reference: &str, root: Option<Digest>, platforms: &str, found: Found) -> Event {
        let (run, reference, platforms) = (self.id.clone(), reference.to_owned(), platforms.to_owned());
        Event::Seen { run, reference, at: self.at, root, platforms, found }
    }

    /// Whether a reference needs nothing but its verdict.
    fn is_known(&self, entry: &TagEntry, root: &Digest, platforms: &str) -> bool {
        let units = || entry.units.iter();
        let read = match &entry.standing {
            Standing::NotAnImage(_) => true,
            Standing::New | Standing::Current | Standing::Moved => {
                units().all(|u| u.complete && u.read_by == self.rules.read_by && self.estate.index.contains(&u.key))
            }
            Standing::Gone | Standing::Unwatched(_) | Standing::Unreadable(_) => false,
        };
        read && entry.root == Some(*root) && entry.platforms == platforms
    }

    /// What is not listed any more in what was listed to the end.
    async fn note_gone(&mut self, found: &Enumeration, platforms: &str) -> Result<(), Failure> {
        let state = &self.estate.state;
        let gone = state.tags.iter().filter(|(name, entry)| {
            let is_there = entry.standing != Standing::Gone && !found.references.contains_key(*name);
            is_there
                && name.parse::<ImageReference>().is_ok_and(|r| {
                    let repository = format!("{}/{}", r.registry.as_str(), r.repository.as_str());
                    found.whole.contains(&repository)
                        || found.registries.contains(r.registry.as_str()) && !found.failed.contains_key(&repository)
                })
        });
        let events = gone.map(|(name, _)| self.seen(name, None, platforms, Found::Gone)).collect();
        Ok(self.estate.commit(events).await?)
    }

    fn sources(&self, args: &SourceArgs) -> Sources {
        Sources::new(SourceOptions {
            plain_http: args.plain_http.unwrap_or(false),
            credentials: CredentialSources::from_environment(None),
            limits: self.rules.limits.clone(),
            ..SourceOptions::default()
        })
    }

    /// Judges everything and closes the ledger.
    async fn end(mut self, args: &RunArgs, teams: &Teams) -> Result<Outcome, Failure> {
        let judged = self.estate.judge(&self.id, &self.rules.pins(), self.at).await?;
        self.settle(judged, args, teams).await
    }

    /// Commits what was judged and the notices of it, in one go: a crash before it finds both again.
    async fn settle(mut self, judged: Judged, args: &RunArgs, teams: &Teams) -> Result<Outcome, Failure> {
        let Judged { mut events, flips, .. } = judged;
        let watched = self.estate.state.units().map(|(reference, ..)| reference);
        let notified = notices(&flips, &teams.teams, watched);
        // Before the verdicts, for who sees a new verdict finds no flip any more.
        events.splice(0..0, notified.into_iter().map(|notice| Event::Noticed(Box::new(notice))));
        self.estate.commit(events).await?;
        teams.deliver(&mut self.estate).await?;
        self.close(flips, args).await
    }

    async fn close(mut self, flips: Vec<Flip>, args: &RunArgs) -> Result<Outcome, Failure> {
        let mut ledger = Ledger::new(self.id.clone(), self.kind);
        let mut errors: BTreeMap<String, String> = BTreeMap::new();
        let all = self.targets.is_empty();
        for (name, entry) in &self.estate.state.tags {
            if !all && !self.targets.iter().any(|target| target.covers(name)) {
                continue;
            }
            ledger.count(entry);
            errors.extend(print::trouble(entry).map(|why| (name.clone(), why)));
        }
        for (name, why) in &self.failed {
            ledger.enumerated += 1;
            ledger.error += 1;
            errors.insert(name.clone(), why.clone());
        }
        let ledger = ledger.close();
        let (run, at) = (self.id.clone(), Timestamp::now());
        let mut events = Event::run_errors(&run, &errors);
        events.push(Event::RunEnded { run, at, ledger: ledger.clone() });
        self.estate.commit(events).await?;
        self.estate.checkpoint().await?;
        tracing::info!(bytes = self.estate.written(), "the run has ended");
        let printed = print::run(&ledger, &flips, &errors, args.state.output);
        if ledger.enumerated == 0 {
            let targets: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
            return Err(anyhow!(
                "nothing was found in {}: a run that looked at nothing proves nothing",
                targets.join(", ")
            )
            .into());
        }
        printed
    }
}

/// The platforms that are asked for, as one word.
fn words(selection: &PlatformSelection) -> String {
    match selection {
        PlatformSelection::Default => "default".to_owned(),
        PlatformSelection::All => "all".to_owned(),
        PlatformSelection::List(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}
