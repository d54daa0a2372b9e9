//! The outbox: notices to webhooks, at least once each, signed.
//!
//! A POST of a CloudEvent (1.0, structured JSON) with `X-Layergate-Signature-256: sha256=<hex>`, the HMAC-SHA256 of the body
//! under the team's secret; any answer of 2xx is a receipt. What has none stays in the outbox for the next run, ten tries in
//! all. Redirects are not followed: a signed body goes where it was meant to go.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, anyhow};
use layergate_estate::{Event, OpenEstate, Team};
use layergate_http::{ClientOptions, Method, describe, is_loopback};
use layergate_policy::ImagePattern;
use ring::hmac;
use serde::Deserialize;

use crate::exit::{Failure, usage};

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A secret of fewer bytes is guessed.
const SHORTEST_SECRET: usize = 16;
/// Bytes of the file.
const MAX_FILE: u64 = 1 << 20;

/// `teams.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TeamsFile {
    #[serde(default)]
    team: Vec<TeamEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TeamEntry {
    name: String,
    #[serde(default)]
    images: Vec<String>,
    webhook: String,
    secret_file: PathBuf,
}

/// Who is notified, and where.
#[derive(Default)]
pub(super) struct Teams {
    pub(super) teams: Vec<Team>,
    targets: Vec<(url::Url, hmac::Key)>,
}

impl Teams {
    /// Reads the file of teams; paths in it are meant from where it lies.
    pub(super) fn read(path: Option<&std::path::Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let context = || format!("the teams {} cannot be read", path.display());
        let size = std::fs::metadata(path).with_context(context).map_err(usage)?.len();
        if size > MAX_FILE {
            return Err(usage(anyhow!("{size} bytes are over the limit of {MAX_FILE}").context(context())));
        }
        let text = std::fs::read_to_string(path).with_context(context).map_err(usage)?;
        // The parser's own text quotes the line, and a webhook's path may be a secret.
        let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
        let file: TeamsFile = toml::from_str(&text)
            .map_err(|e| anyhow!("line {}: {}", e.span().map_or(0, |span| line(span.start)), e.message()))
            .with_context(context)
            .map_err(usage)?;
        let home = path.parent().unwrap_or(std::path::Path::new("."));
        let mut out = Self::default();
        for team in file.team {
            let bad = |why: String| usage(anyhow!("{}: the team {:?}: {why}", path.display(), team.name));
            if out.teams.iter().any(|known| known.name == team.name) {
                return Err(bad("there are two of that name".to_owned()));
            }
            let url: url::Url = team.webhook.parse().map_err(|e| bad(format!("its webhook is not a URL: {e}")))?;
            if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
                return Err(bad("its webhook is not on https (http is for this machine only)".to_owned()));
            }
            let place = home.join(&team.secret_file);
            let secret = std::fs::read_to_string(&place)
                .map_err(|e| bad(format!("its secret {} cannot be read: {e}", place.display())))?;
            if secret.trim().len() < SHORTEST_SECRET {
                return Err(bad(format!(
                    "its secret has fewer than {SHORTEST_SECRET} bytes (`openssl rand -hex 32` makes one)"
                )));
            }
            let images = team.images.iter().map(|p| ImagePattern::new(p)).collect::<Result<_, _>>();
            let images = images.map_err(|e| bad(e.to_string()))?;
            out.targets.push((url, hmac::Key::new(hmac::HMAC_SHA256, secret.trim().as_bytes())));
            out.teams.push(Team { name: team.name, images });
        }
        Ok(out)
    }

    /// Whether something in the outbox is for one of the teams.
    pub(super) fn are_awaited(&self, estate: &OpenEstate) -> bool {
        estate.state.outbox.values().any(|notice| self.teams.iter().any(|team| team.name == notice.team))
    }

    /// Sends what is in the outbox. What could not be sent is said and stays.
    pub(super) async fn deliver(&self, estate: &mut OpenEstate) -> Result<(), Failure> {
        if self.teams.is_empty() {
            return Ok(());
        }
        let client = layergate_http::Client::new(ClientOptions::default());
        for notice in estate.state.waiting() {
            let team = self.teams.iter().position(|team| team.name == notice.team);
            let Some((url, key)) = team.and_then(|n| self.targets.get(n)) else { continue };
            let body = serde_json::to_vec(&notice.cloud_event())?;
            let signature = hex::encode(hmac::sign(key, &body).as_ref());
            let sent = client
                .request(Method::POST, url)
                .map_err(anyhow::Error::from)?
                .timeout(PATIENCE)
                .header("content-type", "application/cloudevents+json")
                .header("x-layergate-signature-256", format!("sha256={signature}"))
                .body(body)
                .send()
                .await;
            let why = match sent {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("it answers {}", answer.status().as_u16())),
                // The URL may hold a secret path.
                Err(error) => Some(describe(&error)),
            };
            if let Some(why) = &why {
                let host = url.host_str().unwrap_or_default();
                let next = if notice.is_last_try() { "that was the last try" } else { "the next run tries again" };
                crate::exit::say(&format!("the team {} could not be notified at {host}: {why}; {next}", notice.team));
            }
            estate
                .commit(vec![Event::Told {
                    id: notice.id,
                    team: notice.team.clone(),
                    at: jiff::Timestamp::now(),
                    failure: why,
                }])
                .await?;
        }
        Ok(())
    }
}
