//! `GET /api/v1/fleet` and `POST /api/v1/fleet/drain`: who is there, what waits, and how a member is asked to leave.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
};
use layergate_ports::{
    Member, MemberState,
    values::{Lane, MemberId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{Api, ApiError};

/// The fleet at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FleetStatus {
    /// Jobs that nobody has taken yet, by lane.
    pub waiting: BTreeMap<String, u64>,
    /// Coordinators first, by id.
    pub members: Vec<MemberStatus>,
    /// The advisories that jobs are judged by now; none before a coordinator was given some.
    #[serde(default)]
    pub snapshot: Option<SnapshotStatus>,
}

/// The fleet's current advisory snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotStatus {
    /// Its digest.
    pub digest: String,
    /// The day of its newest record.
    pub newest: Option<String>,
    /// Vulnerabilities in it.
    pub vulnerabilities: u64,
    /// Distributions and ecosystems that it covers.
    pub namespaces: u64,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberStatus {
    /// `coordinator` or `worker`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The machine.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// The analyzer set that it works for.
    pub fingerprint: String,
    /// Whether it finishes what it holds and leaves.
    pub draining: bool,
    /// When it started (RFC 3339).
    pub since: String,
    /// When it was last heard of (RFC 3339).
    pub seen: String,
    /// How much it may hold at a time.
    pub slots: u32,
    /// What it holds.
    pub holding: Vec<HoldingStatus>,
    /// Layers or jobs done.
    pub done: u64,
    /// Of which failed.
    pub failed: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// A layer or a job in hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldingStatus {
    /// The layer's digest, or the job's image.
    pub what: String,
    /// Where it comes from.
    pub source: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all; 0 where that is not known.
    pub size: u64,
}

impl From<Member> for MemberStatus {
    fn from(member: Member) -> Self {
        let holding = member.holding.into_iter().map(|h| HoldingStatus {
            what: h.what,
            source: h.source,
            since: h.since.to_string(),
            bytes: h.bytes,
            size: h.size,
        });
        Self {
            kind: member.kind.as_str().to_owned(),
            id: member.id.to_string(),
            host: member.host,
            version: member.version,
            fingerprint: member.fingerprint.to_string(),
            draining: member.state == MemberState::Draining,
            since: member.since.to_string(),
            seen: member.seen.to_string(),
            slots: member.slots,
            holding: holding.collect(),
            done: member.done,
            failed: member.failed,
            bytes: member.bytes,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct DrainQuery {
    member: Option<String>,
}

pub(crate) async fn status(State(api): State<Arc<Api>>) -> Result<Json<FleetStatus>, ApiError> {
    let members = api.membership.members().await.map_err(ApiError::unavailable)?;
    let mut waiting = BTreeMap::new();
    for lane in Lane::ALL {
        let jobs = api.jobs.waiting(lane).await.map_err(ApiError::unavailable)?;
        waiting.insert(lane.as_str().to_owned(), jobs);
    }
    let members = members.into_iter().map(MemberStatus::from).collect();
    let snapshot = api.snapshot.borrow().clone();
    Ok(Json(FleetStatus { waiting, members, snapshot }))
}

pub(crate) async fn drain(
    State(api): State<Arc<Api>>,
    Query(query): Query<DrainQuery>,
) -> Result<StatusCode, ApiError> {
    let member: Option<MemberId> = query.member.map(|m| m.parse().map_err(ApiError::bad)).transpose()?;
    api.membership.drain(member.as_ref()).await.map_err(ApiError::unavailable)?;
    Ok(StatusCode::ACCEPTED)
}
