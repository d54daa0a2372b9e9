//! `layergate estate`: the estate on this machine, in a directory.

mod deliver;
mod enumerate;
mod in_use;
mod judge;
mod print;
mod questions;
mod read;
mod sync;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use layergate_estate::OpenEstate;
use layergate_local::EstateDir;

use crate::{
    args::{EstateArgs, EstateCommand, StateArgs},
    exit::{Failure, Outcome},
    places,
};

/// `layergate estate …`.
pub(crate) async fn run(args: EstateArgs, quiet: bool) -> Result<Outcome, Failure> {
    match args.command {
        EstateCommand::Sync(args) => super::scan::interruptible(sync::sync(args, quiet)).await,
        EstateCommand::Rescan(args) => super::scan::interruptible(sync::rescan(args, quiet)).await,
        EstateCommand::Retry(args) => super::scan::interruptible(sync::retry(args, quiet)).await,
        EstateCommand::List(args) => questions::list(&args).await,
        EstateCommand::Ledger(args) => questions::ledger(&args).await,
        EstateCommand::Flips(args) => questions::flips(&args).await,
        EstateCommand::WhatIf(args) => sync::what_if(args, quiet).await,
        EstateCommand::Plan(args) => questions::plan(&args).await,
        EstateCommand::Tags(args) => questions::tags(&args).await,
        EstateCommand::InUse(args) => in_use::run(&args).await,
        EstateCommand::Search(args) => questions::search(&args).await,
    }
}

/// `--state-dir`, else `estate` in the data directory.
fn directory(args: &StateArgs) -> PathBuf {
    args.state_dir.clone().unwrap_or_else(|| places::data_dir().join("estate"))
}

fn store(args: &StateArgs) -> Result<EstateDir, Failure> {
    Ok(EstateDir::open(directory(args))?)
}

/// The estate as it stands, for questions.
async fn open(args: &StateArgs) -> Result<OpenEstate, Failure> {
    let opened = OpenEstate::load(Arc::new(store(args)?)).await;
    let place = || format!("the estate in {} cannot be used", directory(args).display());
    Ok(opened.with_context(place)?)
}
