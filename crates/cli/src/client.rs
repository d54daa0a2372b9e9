//! The HTTP client of a coordinator, or of several: who does not answer is passed over for the next. Verdicts lie in
//! the fleet's shared store, so that any coordinator answers for any job.

use std::{fs::File, io::Read as _, path::Path, time::Duration};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use layergate_http::{
    BodyError, ClientOptions, Method, Pauses, Redirects, RequestBuilder, Url, describe, header::CONTENT_TYPE, is_busy,
    is_loopback, shown,
};
use layergate_model::{Digest, Report};
use layergate_ports::{
    MAX_SBOM_BYTES,
    values::{IdempotencyKey, JobId, SbomName, VerdictRecord},
};
use layergate_registry::Location;
use layergate_server::{FleetStatus, JobAnswer, SbomRef, Subject, Submission, Submitted, UploadedDigest};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    args::ApiArgs,
    exit::{Failure, usage},
    node,
};

/// How long one question may wait for a verdict on the coordinator's side.
const ASK: Duration = Duration::from_secs(20);
/// How long all coordinators may be silent before a client gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first and the longest pause between two rounds of asking all of them.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A pause between two rounds that is longer than this is reported, once for each question.
const REPORT_AFTER: Duration = Duration::from_secs(1);
/// An answer of more bytes is refused.
const MAX_ANSWER: usize = 1 << 30;

/// How long an SBOM may be on its way.
const UPLOAD: Duration = Duration::from_secs(120);

/// What a request carries.
enum Body {
    Nothing,
    Json(Bytes),
    Document(Bytes),
}

/// A client of one fleet.
pub(crate) struct Client {
    /// To coordinators on this machine it goes past every proxy, which must not see the token.
    http: layergate_http::Client,
    servers: Vec<Url>,
    token: Option<String>,
}

/// Why an answer is final.
enum Refusal {
    /// Another coordinator, or the same one later, may answer.
    Later(anyhow::Error),
    /// Nobody will answer otherwise.
    Final(anyhow::Error),
}

impl Client {
    /// A client of the coordinators at `servers`.
    pub(crate) fn new(servers: &[String], api: &ApiArgs) -> Result<Self, Failure> {
        let servers: Vec<Url> = servers
            .iter()
            .map(|text| {
                let url: Url = text.parse().map_err(|e| usage(anyhow!("{text:?} is not a URL: {e}")))?;
                if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
                    return Err(usage(anyhow!("{text:?} is not the URL of a coordinator (http:// or https://)")));
                }
                Ok(url)
            })
            .collect::<Result<_, _>>()?;
        let token = api.api_token_file.as_ref().map(|path| node::token(path)).transpose()?;
        // A secret goes over a wire only where nobody can read along.
        let open = |u: &&Url| u.scheme() == "http" && !is_loopback(u);
        if let Some(url) = servers.iter().find(open).filter(|_| token.is_some()) {
            return Err(usage(anyhow!("the token is not sent to {} over plain HTTP; use https://", shown(url))));
        }
        let mut roots = Vec::new();
        if let Some(path) = &api.api_ca {
            let pem = crate::bounded::read(path, crate::bounded::MAX_TEXT)
                .with_context(|| format!("{} cannot be read", path.display()))
                .map_err(usage)?;
            roots = layergate_http::roots(&pem).map_err(|why| usage(anyhow!("{}: {why}", path.display())))?;
        }
        let http = layergate_http::Client::new(ClientOptions {
            connect: Duration::from_secs(5),
            // Each request has its own, shorter time.
            idle: UPLOAD * 2,
            redirects: Redirects::None,
            roots,
        });
        Ok(Self { http, servers, token })
    }

    /// Submits; the same key again, to whatever coordinator, is the same job.
    pub(crate) async fn submit(&self, mut submission: Submission) -> Result<JobId, Failure> {
        let key = submission.idempotency_key.take().map_or_else(fresh_key, Ok)?;
        submission.idempotency_key = Some(key);
        let body = Body::Json(serde_json::to_vec(&submission).context("the submission cannot be written")?.into());
        let answer: Submitted = self.ask(Method::POST, "api/v1/jobs", &[], body, Duration::ZERO).await?;
        Ok(answer.job)
    }

    /// What a submission names: an image as it is, an SBOM after it was uploaded. Nothing else of this machine travels.
    pub(crate) async fn subject(&self, location: &Location) -> Result<Subject, Failure> {
        match location {
            Location::Registry(image) => Ok(Subject::Image(image.clone())),
            Location::Sbom(path) => self.upload(path).await.map(Subject::Sbom),
            local => Err(lies_here(local)),
        }
    }

    /// Gives the fleet an SBOM.
    async fn upload(&self, path: &Path) -> Result<SbomRef, Failure> {
        let shown = path.display();
        let name = SbomName::new(&shown.to_string()).map_err(|e| usage(anyhow!("{shown}: {e}")))?;
        let mut document = Vec::new();
        let read = File::open(path).and_then(|f| f.take(MAX_SBOM_BYTES as u64 + 1).read_to_end(&mut document));
        read.with_context(|| format!("the SBOM {shown} cannot be read"))?;
        if document.len() > MAX_SBOM_BYTES {
            let what = "a fleet takes; judge it here, without --server";
            return Err(anyhow!("the SBOM {shown} has more than the {MAX_SBOM_BYTES} bytes that {what}").into());
        }
        let digest = Digest::of(&document);
        let body = Body::Document(document.into());
        let stored: UploadedDigest = self.ask(Method::POST, "api/v1/sboms", &[], body, UPLOAD).await?;
        if stored.digest != digest {
            return Err(anyhow!("the SBOM {shown} arrived as {} and is {digest}; try again", stored.digest).into());
        }
        Ok(SbomRef { digest, name })
    }

    /// Waits for a job's verdict until `end`.
    pub(crate) async fn wait(&self, job: &JobId, end: Option<Instant>) -> Result<VerdictRecord, Failure> {
        loop {
            let left = end.map_or(ASK, |end| end.saturating_duration_since(Instant::now()).min(ASK));
            let path = format!("api/v1/jobs/{job}");
            let seconds = left.as_secs().max(1).to_string();
            let answer: JobAnswer = self.ask(Method::GET, &path, &[("wait", &seconds)], Body::Nothing, left).await?;
            if let Some(record) = answer.verdict {
                return Ok(record.read());
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Err(anyhow!("job {job} has no verdict yet; `layergate wait {job}` goes on waiting").into());
            }
        }
    }

    /// The reports behind a verdict.
    pub(crate) async fn reports(&self, job: &JobId) -> Result<Vec<Report>, Failure> {
        let path = format!("api/v1/jobs/{job}/reports");
        let answer = self.answer(Method::GET, &path, &[], Body::Nothing, Duration::ZERO).await?;
        let reports = match serde_json::from_slice(&answer) {
            Ok(reports) => return Ok(reports),
            // A newer coordinator, perhaps: each is read by itself, with what is not known reported in it.
            Err(_) => serde_json::from_slice::<Vec<serde_json::Value>>(&answer),
        };
        let read = |report: serde_json::Value| layergate_model::read_report(report.to_string().as_bytes());
        let reports = reports.and_then(|all| all.into_iter().map(read).collect());
        Ok(reports.with_context(|| format!("the reports of job {job} cannot be read"))?)
    }

    /// The fleet at this moment.
    pub(crate) async fn fleet(&self) -> Result<FleetStatus, Failure> {
        self.ask(Method::GET, "api/v1/fleet", &[], Body::Nothing, Duration::ZERO).await
    }

    /// Shows a member, or all workers, to leave.
    pub(crate) async fn drain(&self, member: Option<&str>) -> Result<(), Failure> {
        let query: Vec<_> = member.map(|m| ("member", m)).into_iter().collect();
        let _: serde_json::Value =
            self.ask(Method::POST, "api/v1/fleet/drain", &query, Body::Nothing, Duration::ZERO).await?;
        Ok(())
    }

    /// Asks, and reads the answer.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Body,
        takes: Duration,
    ) -> Result<T, Failure> {
        let bytes = self.answer(method, path, query, body, takes).await?;
        let read = serde_json::from_slice(if bytes.is_empty() { b"null" } else { &bytes });
        Ok(read.with_context(|| format!("the answer to {path} cannot be read"))?)
    }

    /// Asks one coordinator after the other, for as long as one may still answer.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Body,
        takes: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let mut pauses = Pauses::within(PATIENCE, FIRST_PAUSE, LONGEST_PAUSE);
        let mut reported = false;
        loop {
            let mut last = None;
            for server in &self.servers {
                let url = server.join(path).map_err(|e| anyhow!("{}{path} is not a URL: {e}", shown(server)))?;
                let mut request = self.http.request(method.clone(), &url).map_err(anyhow::Error::from)?.query(query);
                request = request.timeout(takes + Duration::from_secs(30));
                request = match &body {
                    Body::Nothing => request,
                    Body::Json(json) => request.header(CONTENT_TYPE, "application/json").body(json.clone()),
                    Body::Document(document) => {
                        request.header(CONTENT_TYPE, "application/octet-stream").body(document.clone())
                    }
                };
                match self.once(request, server).await {
                    Ok(answer) => return Ok(answer),
                    Err(Refusal::Final(error)) => return Err(error.into()),
                    Err(Refusal::Later(error)) => last = Some(error),
                }
            }
            let Some(pause) = pauses.next(None) else {
                let error = last.unwrap_or_else(|| anyhow!("no coordinator was named"));
                return Err(error.context("no coordinator answers").into());
            };
            // A restart takes a second; whoever is silent for longer is worth a word to whoever waits.
            if let Some(error) = last.filter(|_| !reported && pause > REPORT_AFTER) {
                tracing::warn!(why = format!("{error:#}"), patience = ?PATIENCE, "no coordinator answers; asking on");
                reported = true;
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, mut request: RequestBuilder, server: &Url) -> Result<Vec<u8>, Refusal> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let server = shown(server);
        let later = |why: String| Refusal::Later(anyhow!(why).context(format!("{server} does not answer")));
        let response = request.send().await.map_err(|e| later(describe(&e)))?;
        let status = response.status();
        let bytes = layergate_http::body(response, MAX_ANSWER).await.map_err(|error| match error {
            BodyError::Broken(error) => later(describe(&error)),
            BodyError::TooLarge(limit) => Refusal::Final(anyhow!("{server} sends more than {limit} bytes")),
        })?;
        if status.is_success() {
            return Ok(bytes);
        }
        #[derive(serde::Deserialize)]
        struct Reported {
            error: String,
        }
        let text = match serde_json::from_slice::<Reported>(&bytes) {
            Ok(reported) => reported.error,
            Err(_) => String::from_utf8_lossy(&bytes).chars().take(300).collect(),
        };
        let error = anyhow!("{server} answers {status}: {}", text.trim());
        Err(if is_busy(status) { Refusal::Later(error) } else { Refusal::Final(error) })
    }
}

/// Refuses what of this machine does not travel.
pub(crate) fn check_travels(location: &Location) -> Result<(), Failure> {
    match location {
        Location::Registry(_) | Location::Sbom(_) => Ok(()),
        local => Err(lies_here(local)),
    }
}

fn lies_here(local: &Location) -> Failure {
    usage(anyhow!(
        "{local} lies on this machine, where the fleet cannot read it: scan it here, without --server (a fleet takes images \
         in registries, and sbom:FILE)"
    ))
}

fn fresh_key() -> Result<IdempotencyKey, Failure> {
    IdempotencyKey::new(JobId::random().as_str()).map_err(|e| anyhow!(e).into())
}
