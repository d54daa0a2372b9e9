//! What the three container readers hand their findings to: package blobs in, packages and damages out.
//!
//! The byte budget is the defence against records that share bytes: in a sound database no two
//! records do, so all blobs together are never larger than the file.

use std::fmt;

use crate::error::{Damage, DamageKind};
use crate::header::Header;
use crate::package::RpmPackage;
use crate::{Database, Format};

/// More damages than this are counted, not listed.
const MAX_DAMAGES: usize = 64;

pub(crate) struct Collector {
    packages: Vec<RpmPackage>,
    damages: Vec<Damage>,
    unlisted: usize,
    budget: usize,
}

impl Collector {
    pub(crate) fn new(input: usize) -> Self {
        Self { packages: Vec::new(), damages: Vec::new(), unlisted: 0, budget: input }
    }

    pub(crate) fn damage(&mut self, kind: DamageKind, offset: u64, detail: fmt::Arguments<'_>) {
        if self.damages.len() < MAX_DAMAGES {
            self.damages.push(Damage { kind, offset, detail: detail.to_string() });
        } else {
            self.unlisted += 1;
        }
    }

    /// Takes `bytes` from the budget; false (and a damage) when the file cannot hold so much.
    pub(crate) fn spend(&mut self, bytes: usize, offset: u64) -> bool {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                true
            }
            None => {
                self.damage(
                    DamageKind::Excess,
                    offset,
                    format_args!("the records are larger than the file; the rest was not read"),
                );
                false
            }
        }
    }

    /// Takes one header blob, whole or (with its damage already reported) in part.
    pub(crate) fn blob(&mut self, number: u32, offset: u64, blob: &[u8]) {
        let header = match Header::parse(blob) {
            Ok(header) => header,
            Err(error) => {
                return self.damage(DamageKind::Header, offset, format_args!("package header {number}: {error}"));
            }
        };
        if header.missing() > 0 {
            let missing = header.missing();
            self.damage(
                DamageKind::Header,
                offset,
                format_args!("package header {number}: {missing} bytes of its data are missing"),
            );
        }
        let package = RpmPackage::from_header(&header, number, |kind, detail| {
            self.damage(kind, offset, format_args!("package header {number}: {detail}"));
        });
        self.packages.extend(package);
    }

    pub(crate) fn finish(mut self, format: Format) -> Database {
        if self.unlisted > 0 {
            let detail = format!("and {} damages more", self.unlisted);
            self.damages.push(Damage { kind: DamageKind::More, offset: 0, detail });
        }
        Database { format, packages: self.packages, damages: self.damages }
    }
}
