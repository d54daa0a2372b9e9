//! One job, from its message to its verdict.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use layergate_model::{Gap, GapKind, LayerInventory, Report};

use super::{Coordinator, gather::Wanted, record};
use crate::{
    decide::{Gathering, LayerState},
    evaluator::{EvaluatorError, PinnedEvaluation},
};
use layergate_ports::{
    JobDelivery, Lease,
    codec::Packed,
    observe::Event,
    values::{Job, JobError, LayerKey, ReportKey, ResolvedImage, SourceId, VerdictRecord},
};

/// Why a job has no verdict from here and goes back to the queue.
pub(super) struct HandBack(pub(super) String);

impl Coordinator {
    /// Carries a delivery to its end. Errors of the ports leave the message to be delivered again.
    pub(super) async fn handle(&self, delivery: JobDelivery) {
        let begun = self.ports.clock.monotonic();
        let JobDelivery { id, job, deliveries, lease } = delivery;
        let job = match job {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(%error, job = %id, "a job cannot be read and is taken off the queue");
                let _ = lease.term(&error.to_string()).await;
                return;
            }
        };
        let ended = tokio::select! {
            biased;
            ended = self.process(&job, deliveries) => ended,
            never = self.keep_lease_alive(&*lease) => match never {},
            () = self.hand_back.cancelled() => Err(HandBack("the coordinator stops".into())),
        };
        match ended {
            Ok(record) => {
                if let Some(record) = record {
                    let took = self.ports.clock.monotonic().saturating_sub(begun);
                    self.ports.observer.event(&Event::JobFinished { record: &record, took });
                }
                if let Err(error) = lease.ack().await {
                    tracing::warn!(%error, job = %job.id, "a finished job could not be acknowledged");
                }
            }
            Err(HandBack(why)) => {
                self.ports.observer.event(&Event::JobHandedBack { job: &job.id, why: &why });
                let stopping = self.hand_back.is_cancelled();
                let delay = match stopping {
                    true => Duration::ZERO,
                    false => self.config.backoff.after(deliveries, job.id.as_str()),
                };
                tracing::warn!(job = %job.id, why, "a job goes back to the queue");
                if let Err(error) = lease.nak(delay).await {
                    tracing::warn!(%error, job = %job.id, "a job could not be handed back");
                }
            }
        }
    }

    /// Keeps the message for as long as the job runs; the job's deadline ends both.
    async fn keep_lease_alive(&self, lease: &dyn Lease) -> Infallible {
        loop {
            self.ports.clock.sleep(self.config.ack_wait / 3).await;
            if let Err(error) = lease.progress().await {
                tracing::warn!(%error, "the queue was not informed that a job gets on");
            }
        }
    }

    /// The stored verdict of a job; `None` when it had one already.
    async fn process(&self, job: &Job, deliveries: u64) -> Result<Option<VerdictRecord>, HandBack> {
        let stored = self.ports.verdicts.get(&job.id).await.map_err(|e| HandBack(e.to_string()))?;
        if stored.is_some() {
            // Somebody died between storing the verdict and acknowledging the job.
            return Ok(None);
        }
        self.ports.observer.event(&Event::JobStarted { job, deliveries });
        let record = if deliveries > self.config.job_attempts {
            let times = deliveries - 1;
            let why = format!("coordinators took the job up {times} times and none came to an end with it");
            record::failed(job, JobError::Abandoned(why), self.ports.clock.now())
        } else {
            self.judge(job).await?
        };
        let stands = self.ports.verdicts.put(&record).await.map_err(|e| HandBack(e.to_string()))?;
        // Another coordinator may have been first: then its verdict stands, and it has reported so.
        Ok((stands == record).then_some(stands))
    }

    async fn judge(&self, job: &Job) -> Result<VerdictRecord, HandBack> {
        let clock = &self.ports.clock;
        let left = Duration::try_from(job.deadline.duration_since(clock.now())).unwrap_or_default();
        let deadline = clock.monotonic() + left;
        let fail = |error| Ok(record::failed(job, error, clock.now()));
        let pinned = match self.pin(job, deadline).await {
            Ok(pinned) => pinned,
            Err(error) => return fail(error),
        };
        let mut images = match self.resolve(job, deadline).await {
            Ok(images) => images,
            Err(error) => return fail(error),
        };
        self.ports.observer.event(&Event::ImageResolved { job, images: &images });

        let mut reports: Vec<Option<(ReportKey, Arc<Report>)>> = Vec::with_capacity(images.len());
        for image in &images {
            let key = ReportKey::pinned(image, &pinned.pins());
            // A report that cannot be had is made again, and so is one that is another's: a key is only a name.
            let kept = self.ports.verdicts.get_report(&key).await.ok().flatten();
            let reused = kept.filter(|report| {
                let good = record::is_on(image, report) && pinned.judged(report);
                if !good {
                    tracing::error!(report = %key, image = %image.reference, "a kept report is of another image, platform or pins, and is made again");
                }
                good
            });
            if reused.is_some() {
                self.ports.observer.event(&Event::ReportReused { job });
            }
            reports.push(reused.map(|report| (key, report)));
        }
        let lacking_reports = images.iter().zip(&reports).filter(|(_, report)| report.is_none());
        let wanted = self.wanted(lacking_reports.map(|(image, _)| image));
        let mut gathering = Gathering::new(wanted.iter().map(|(key, (locator, _))| (*key, SourceId::of(locator))));
        let wait = self.begin(job, &wanted, &mut gathering, true).await;
        drop(wanted);
        if !gathering.is_complete() {
            let packed = Packed::new(&images).map_err(|e| HandBack(e.to_string()))?;
            images = Vec::new();
            // What was packed here opens.
            let again = || self.wanted(&packed.open().unwrap_or_default());
            self.finish(job, again, &mut gathering, deadline, wait).await;
            images.extend(packed.open().map_err(|e| HandBack(e.to_string()))?);
        }

        let mut verdicts = Vec::with_capacity(images.len());
        let mut missing = Vec::new();
        for (index, (image, report)) in images.iter().zip(reports).enumerate() {
            let (key, report) = match report {
                Some(reused) => reused,
                None => {
                    let (layers, mut lacking) = self.layers(job, image, &mut gathering, deadline).await?;
                    let (layers, unread) = self.look_again(job, image, layers, deadline).await?;
                    lacking.extend(unread);
                    let late = clock.monotonic() >= deadline;
                    let made = self.assess(job, &*pinned, image, layers, lacking.len(), late, index).await?;
                    missing.extend(lacking);
                    match made {
                        Ok(made) => made,
                        Err(error) => return fail(error),
                    }
                }
            };
            verdicts.push(record::image_verdict(image, &report, key));
        }
        missing.sort();
        missing.dedup();
        Ok(record::judged(job, verdicts, missing, clock.now()))
    }

    async fn pin(&self, job: &Job, deadline: Duration) -> Result<Arc<dyn PinnedEvaluation>, JobError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let why = match self.ports.evaluator.pin(job).await {
                Ok(pinned) => return Ok(pinned),
                Err(EvaluatorError::Final(why)) => return Err(JobError::Judge(why)),
                Err(EvaluatorError::Transient(why)) => why,
            };
            let wait = self.config.backoff.after(tries, job.id.as_str());
            if tries >= self.config.resolve_attempts || self.ports.clock.monotonic() + wait >= deadline {
                return Err(JobError::Judge(why));
            }
            self.ports.clock.sleep(wait).await;
        }
    }

    async fn resolve(&self, job: &Job, deadline: Duration) -> Result<Vec<ResolvedImage>, JobError> {
        let clock = &self.ports.clock;
        let request = job.request();
        let mut tries = 0;
        let mut last = None;
        loop {
            tries += 1;
            let left = deadline.saturating_sub(clock.monotonic());
            let answer = tokio::select! {
                biased;
                answer = self.ports.source.resolve(&request) => answer,
                () = clock.sleep(left) => return Err(record::late(job, last.as_ref())),
            };
            let error = match answer {
                Ok(images) => return Ok(images),
                Err(error) => error,
            };
            if !error.is_transient() || tries >= self.config.resolve_attempts {
                return Err(JobError::Source(error));
            }
            let wait = self.config.backoff.after(tries, job.id.as_str()).max(error.retry_after().unwrap_or_default());
            if clock.monotonic() + wait >= deadline {
                let left = deadline.saturating_sub(clock.monotonic());
                return Err(match error.retry_after() {
                    Some(asked) if asked >= left => record::long_pause(job, &error, asked, left),
                    _ => record::late(job, Some(&error)),
                });
            }
            tracing::info!(%error, "an image could not be looked up and is asked for again");
            last = Some(error);
            clock.sleep(wait).await;
        }
    }

    /// The layers of these images that can be read, and where.
    fn wanted<'a>(&self, images: impl IntoIterator<Item = &'a ResolvedImage>) -> Wanted {
        let layers = images.into_iter().flat_map(|image| &image.layers);
        let readable = layers.filter(|layer| self.unsupported_reason(layer).is_none());
        readable.map(|l| (self.config.fingerprint.key(l.digest), (l.locator.clone(), Vec::new()))).collect()
    }

    /// Why a layer is not read at all.
    fn unsupported_reason(&self, layer: &layergate_ports::values::LayerDescriptor) -> Option<Gap> {
        if layer.unsupported.is_some() {
            return layer.unsupported.clone();
        }
        let limit = self.config.limits.max_layer_bytes;
        (layer.size > limit).then(|| {
            let detail = format!("{} compressed bytes, over the limit of {limit} (max-layer-bytes)", layer.size);
            Gap::new(GapKind::LayerLimit, layer.digest.to_string(), detail)
        })
    }

    /// The inventories of an image in the order of its layers, with gaps in the places of those that are not to be had;
    /// and those gaps.
    async fn layers(
        &self,
        job: &Job,
        image: &ResolvedImage,
        gathering: &mut Gathering,
        deadline: Duration,
    ) -> Result<(Vec<Arc<LayerInventory>>, Vec<Gap>), HandBack> {
        let mut bodies: HashMap<LayerKey, Arc<LayerInventory>> = HashMap::new();
        loop {
            let mut keys: Vec<LayerKey> = image.layers.iter().map(|l| self.config.fingerprint.key(l.digest)).collect();
            keys.sort();
            keys.dedup();
            keys.retain(|key| gathering.state(key) == Some(&LayerState::Stored) && !bodies.contains_key(key));
            if keys.is_empty() {
                break;
            }
            bodies.extend(self.bodies(gathering, &keys).await.map_err(|e| HandBack(e.to_string()))?);
            if !gathering.is_complete() {
                let wanted = || self.wanted([image]);
                let wait = self.begin(job, &wanted(), gathering, false).await;
                self.finish(job, wanted, gathering, deadline, wait).await;
            }
        }
        let mut lacking = Vec::new();
        let mut layers = Vec::with_capacity(image.layers.len());
        for layer in &image.layers {
            let key = self.config.fingerprint.key(layer.digest);
            if let Some(body) = bodies.get(&key) {
                layers.push(body.clone());
                continue;
            }
            let gap = self.unsupported_reason(layer).unwrap_or_else(|| {
                let (kind, detail) = match gathering.state(&key) {
                    Some(LayerState::Failed(failure)) => (failure.gap, failure.detail.clone()),
                    _ => (GapKind::LayerUnavailable, "the layer was not read".to_owned()),
                };
                let gap = Gap::new(kind, layer.digest.to_string(), detail);
                lacking.push(gap.clone());
                gap
            });
            layers.push(Arc::new(LayerInventory::unread(layer.digest, gap)));
        }
        Ok((layers, lacking))
    }

    async fn assess(
        &self,
        job: &Job,
        pinned: &dyn PinnedEvaluation,
        image: &ResolvedImage,
        layers: Vec<Arc<LayerInventory>>,
        lacking: usize,
        late: bool,
        index: usize,
    ) -> Result<Result<(ReportKey, Arc<Report>), JobError>, HandBack> {
        let mut report = match pinned.assess(image, layers).await {
            Ok(report) => report,
            Err(EvaluatorError::Final(why)) => return Ok(Err(JobError::Judge(why))),
            Err(EvaluatorError::Transient(why)) => return Err(HandBack(why)),
        };
        if late && lacking > 0 {
            record::past_deadline(&mut report, job, lacking);
        }
        // What another day may be read is nobody else's answer.
        let key = match lacking {
            0 => ReportKey::pinned(image, &pinned.pins()),
            _ => ReportKey::of_job(&job.id, index),
        };
        let report = Arc::new(report);
        self.ports.verdicts.put_report(&key, &report).await.map_err(|e| HandBack(e.to_string()))?;
        Ok(Ok((key, report)))
    }
}
