//! Files that a check of the whole image asks about, seen by path and mode alone: setuid and setgid programs, what
//! everybody may write, package managers' caches, SSH daemons and host keys, shells, the history of projects (CIS
//! Docker Benchmark section 4 and practice).
//!
//! At most [`MAX_OF_A_KIND`] of each kind are reported for a layer; a check says "here and elsewhere" well before that.

use layergate_model::{AnalyzerId, CheckFact, EntryKind, FactKind, Section};

use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Sees the files that checks ask about.
pub struct FileFacts;

/// Facts of one kind in one layer.
const MAX_OF_A_KIND: usize = 160;

/// Where package managers keep what they downloaded. Any home's caches count, not only root's.
const CACHES: [&str; 12] = [
    "var/lib/apt/lists/",
    "var/cache/apt/",
    "var/cache/apk/",
    "var/cache/dnf/",
    "var/cache/yum/",
    "var/cache/libdnf5/",
    "var/cache/zypp/",
    "var/cache/pacman/pkg/",
    "root/.m2/repository/",
    "root/.gradle/caches/",
    "root/.cargo/registry/",
    "usr/local/cargo/registry/",
];
const HOME_CACHES: [&str; 6] =
    ["/.cache/pip/", "/.cache/uv/", "/.cache/yarn/", "/.cache/go-build/", "/.npm/_cacache/", "/.composer/cache/"];

impl Analyzer for FileFacts {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("file-facts")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Metadata]
    }

    fn analyze(&self, _: &File<'_>, _: &mut Section) -> Result<(), AnalyzeError> {
        Ok(())
    }

    fn observe(&self, entry: &Entry<'_>, out: &mut Section) {
        let name = entry.path.file_name();
        if name.starts_with(".wh.") {
            return;
        }
        let is_file = entry.kind == EntryKind::File;
        let mut show = |kind: FactKind| {
            if out.facts.iter().filter(|f| f.kind == kind).count() < MAX_OF_A_KIND {
                out.facts.push(CheckFact { kind, path: entry.path.clone() });
            }
        };
        if is_file && entry.mode & 0o6000 != 0 && entry.mode & 0o111 != 0 {
            show(FactKind::Setuid);
        }
        let shared_directory = entry.kind == EntryKind::Directory && entry.mode & 0o1000 == 0;
        if entry.mode & 0o002 != 0 && (is_file || shared_directory) && !entry.path.is_empty() {
            show(FactKind::WorldWritable);
        }
        let history = [(".git", "HEAD"), (".hg", "requires"), (".svn", "wc.db")];
        let parent = entry.path.rsplit('/').nth(1).unwrap_or_default();
        if is_file && history.contains(&(parent, name)) {
            show(FactKind::VersionControl);
        }
        if is_file && is_cache(entry.path, name) {
            show(FactKind::PackageCache);
        }
        if matches!(entry.kind, EntryKind::Directory | EntryKind::Special) {
            return;
        }
        let directory = parent;
        if matches!(directory, "bin" | "sbin" | "busybox") {
            match name {
                "sshd" | "dropbear" => show(FactKind::SshDaemon),
                "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "mksh" | "fish" | "csh" | "tcsh" | "busybox" => {
                    show(FactKind::Shell);
                }
                _ => {}
            }
        }
        let openssh = directory == "ssh" && name.starts_with("ssh_host_") && name.ends_with("_key");
        let dropbear = directory == "dropbear" && name.ends_with("_host_key");
        if openssh || dropbear {
            show(FactKind::SshHostKey);
        }
    }
}

fn is_cache(path: &str, name: &str) -> bool {
    // Locks, markers and empty catalogues are what a clean cache still has.
    if matches!(name, "lock" | "CACHEDIR.TAG" | ".gitkeep" | "auxfiles") {
        return false;
    }
    CACHES.iter().any(|d| path.starts_with(d))
        || (path.contains("/.") && (path.starts_with("root/") || path.starts_with("home/")))
            && HOME_CACHES.iter().any(|d| path.contains(d))
}

#[cfg(test)]
mod tests {
    use layergate_model::LayerPath;

    use super::*;

    fn see(path: &str, kind: EntryKind, mode: u16, out: &mut Section) {
        let path = LayerPath::normalise(path).unwrap();
        FileFacts.observe(&Entry { path: &path, kind, mode, target: "" }, out);
    }

    #[test]
    fn what_is_reported() {
        use EntryKind::{Directory, File, HardLink, Symlink};
        for (path, kind, mode, want) in [
            ("usr/bin/su", File, 0o4755, Some(FactKind::Setuid)),
            ("usr/bin/wall", File, 0o2755, Some(FactKind::Setuid)),
            ("var/mail", Directory, 0o2775, None),
            ("app/x", File, 0o666, Some(FactKind::WorldWritable)),
            ("data", Directory, 0o777, Some(FactKind::WorldWritable)),
            ("tmp", Directory, 0o1777, None),
            ("", Directory, 0o777, None),
            ("etc/link", Symlink, 0o777, None),
            ("var/lib/apt/lists/deb.debian.org_InRelease", File, 0o644, Some(FactKind::PackageCache)),
            ("var/lib/apt/lists/lock", File, 0o644, None),
            ("var/cache/apk/APKINDEX.x.tar.gz", File, 0o644, Some(FactKind::PackageCache)),
            ("home/a/.cache/pip/http/x", File, 0o644, Some(FactKind::PackageCache)),
            ("usr/sbin/sshd", File, 0o755, Some(FactKind::SshDaemon)),
            ("etc/ssh/ssh_host_rsa_key", File, 0o600, Some(FactKind::SshHostKey)),
            ("etc/ssh/ssh_host_rsa_key.pub", File, 0o644, None),
            ("bin/sh", Symlink, 0o777, Some(FactKind::Shell)),
            ("bin/busybox", HardLink, 0o755, Some(FactKind::Shell)),
            ("srv/app/.git/HEAD", File, 0o644, Some(FactKind::VersionControl)),
            ("srv/app/.git/refs/HEAD", File, 0o644, None),
            ("busybox/sh", File, 0o755, Some(FactKind::Shell)),
            ("bin/.wh.sh", File, 0o755, None),
            ("usr/share/doc/bash", Directory, 0o755, None),
        ] {
            let mut out = Section::default();
            see(path, kind, mode, &mut out);
            assert_eq!(out.facts.first().map(|f| f.kind), want, "{path}");
        }
    }

    #[test]
    fn facts_are_bounded() {
        let mut out = Section::default();
        for n in 0..10_000 {
            see(&format!("a/{n}"), EntryKind::File, 0o666, &mut out);
        }
        see("bin/sh", EntryKind::File, 0o755, &mut out);
        assert_eq!(out.facts.len(), MAX_OF_A_KIND + 1);
    }
}
