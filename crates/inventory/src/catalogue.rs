//! The analyzers that run, as a list that you can read, and the index that finds who is interested in an entry.

use std::{cell::LazyCell, collections::HashMap};

use layergate_model::{Digest, EntryKind, LayerPath};

use crate::{
    Analyzer, Entry, Interest,
    analyzers::{binary, content, lang, os},
    place::is_documentation,
};

/// Every analyzer. A new one is one line here.
static STANDARD: &[&dyn Analyzer] = &[
    // Operating systems.
    &os::os_release::OsReleaseFiles,
    &os::content_sets::ContentManifests,
    &os::dpkg::Dpkg,
    &os::dpkg_files::DpkgFiles,
    &os::copyright::Copyright,
    &os::apk::Apk,
    &os::rpm::Rpm,
    &os::rpm_manifest::RpmManifest,
    &os::chisel::Chisel,
    &os::pacman::Pacman,
    &os::portage::Portage,
    &os::opkg::Opkg,
    &os::stores::Stores,
    &os::nested_root::NestedRoot,
    &os::brew::Brew,
    &os::snap::Snap,
    &os::bitnami::Bitnami,
    // Files that checks ask about.
    &os::file_facts::FileFacts,
    &os::accounts::Accounts,
    // Languages.
    &lang::node_package::NodePackage,
    &lang::node_asar::NodeAsar,
    &lang::python_installed::PythonInstalled,
    &lang::python_zip::PythonZip,
    &lang::node_lock::NodeLock,
    &lang::yarn_lock::YarnLock,
    &lang::pnpm_lock::PnpmLock,
    &lang::bun_lock::BunLock,
    &lang::deno_lock::DenoLock,
    &lang::yarn_cache::YarnCache,
    &lang::yarn_pnp::YarnPnp,
    &lang::python_requirements::PythonRequirements,
    &lang::go_mod::GoMod,
    &lang::cargo_lock::CargoLock,
    &lang::jar::Jar,
    &lang::jar::UnnamedJar,
    &lang::maven_pom::MavenPom,
    &lang::gradle_lock::GradleLock,
    &lang::sbt_lock::SbtLock,
    &lang::conda_environment::CondaEnvironment,
    &lang::conda_meta::CondaMeta,
    &lang::pipfile_lock::PipfileLock,
    &lang::poetry_lock::PoetryLock,
    &lang::python_toml_locks::PythonTomlLocks,
    &lang::uv_lock::UvLock,
    &lang::composer::Composer,
    &lang::conan_lock::ConanLock,
    &lang::conanfile::Conanfile,
    &lang::dotnet_deps::DotnetDeps,
    &lang::gemfile_lock::GemfileLock,
    &lang::gemspec::Gemspec,
    &lang::haskell_lock::HaskellLock,
    &lang::julia_manifest::JuliaManifest,
    &lang::mix_lock::MixLock,
    &lang::nuget::Nuget,
    &lang::opam::Opam,
    &lang::otp_app::OtpApp,
    &lang::pecl::Pecl,
    &lang::podfile_lock::PodfileLock,
    &lang::pubspec_lock::PubspecLock,
    &lang::r_description::RDescription,
    &lang::rockspec::Rockspec,
    &lang::swift_resolved::SwiftResolved,
    &lang::package_archive::PackageArchive,
    &lang::php_archive::PhpArchive,
    &lang::wordpress::WordPress,
    // Programs.
    &binary::go::GoBinary,
    &binary::rust::RustBinary,
    &binary::packed_program::PackedProgram,
    &binary::elf_note::ElfNote,
    &binary::pe_version::PeVersion,
    &binary::linux_kernel::LinuxKernel,
    &binary::known::KnownPrograms,
    // Content.
    &content::secrets::Secrets,
];

/// The version of what an inventory looks like; raised when the driver itself changes what it would write.
const INVENTORY_FORMAT: u32 = 6;

/// The analyzers of one run and an index over their interests.
pub struct Catalogue {
    analyzers: Vec<&'static dyn Analyzer>,
    paths: HashMap<&'static str, Vec<usize>>,
    names: HashMap<&'static str, Vec<usize>>,
    extensions: HashMap<&'static str, Vec<usize>>,
    below: Vec<(&'static str, usize)>,
    executable: Vec<usize>,
    any: Vec<usize>,
    content: Vec<usize>,
    metadata: Vec<usize>,
}

impl Catalogue {
    /// All analyzers.
    pub fn standard() -> Self {
        Self::of(STANDARD)
    }

    /// A choice of analyzers.
    pub fn of(analyzers: &[&'static dyn Analyzer]) -> Self {
        let mut new = Self {
            analyzers: analyzers.to_vec(),
            paths: HashMap::new(),
            names: HashMap::new(),
            extensions: HashMap::new(),
            below: Vec::new(),
            executable: Vec::new(),
            any: Vec::new(),
            content: Vec::new(),
            metadata: Vec::new(),
        };
        for (index, analyzer) in analyzers.iter().enumerate() {
            for interest in analyzer.interests() {
                match *interest {
                    Interest::Path(path) => new.paths.entry(path).or_default().push(index),
                    Interest::Name(name) => new.names.entry(name).or_default().push(index),
                    Interest::Extension(end) => new.extensions.entry(end).or_default().push(index),
                    Interest::Below(directory) => new.below.push((directory, index)),
                    Interest::Executable => new.executable.push(index),
                    Interest::AnyFile => new.any.push(index),
                    Interest::Content => new.content.push(index),
                    Interest::Metadata => new.metadata.push(index),
                }
            }
        }
        new
    }

    /// The analyzers, in the order of their indices.
    pub fn analyzers(&self) -> &[&'static dyn Analyzer] {
        &self.analyzers
    }

    /// Names the set of analyzers with their revisions: 16 hexadecimal characters, part of every layer's key.
    pub fn fingerprint(&self) -> String {
        let mut lines: Vec<_> = self.analyzers.iter().map(|a| format!("{}={}", a.id(), a.revision())).collect();
        lines.sort();
        let text = format!("inventory={INVENTORY_FORMAT}\n{}", lines.join("\n"));
        Digest::of(text.as_bytes()).to_hex()[..16].to_owned()
    }

    /// The indices of the analyzers that claim the regular file `entry`, ascending.
    pub fn claims(&self, entry: &Entry<'_>, out: &mut Vec<usize>) {
        out.clear();
        let name = entry.path.file_name();
        // A whiteout is a mark for the layers below, not a file.
        if entry.kind != EntryKind::File || name.starts_with(".wh.") {
            return;
        }
        let path = entry.path.as_str();
        out.extend(self.paths.get(path).into_iter().flatten());
        out.extend(self.names.get(name).into_iter().flatten());
        if let Some(dot) = name.rfind('.') {
            out.extend(self.of_extension(&name[dot..]).into_iter().flatten());
        }
        out.extend(self.below.iter().filter(|(d, _)| path.len() > d.len() && entry.path.is_within(d)).map(|(_, i)| i));
        if entry.mode & 0o111 != 0 || name.contains(".so") {
            out.extend(&self.executable);
        }
        out.extend(&self.any);
        if out.is_empty() {
            return;
        }
        out.sort_unstable();
        out.dedup();
        let example = LazyCell::new(|| is_documentation(path));
        out.retain(|index| {
            let analyzer = self.analyzers[*index];
            !(analyzer.reads_declarations() && *example) && analyzer.claims(entry)
        });
    }

    /// Adds the indices of the analyzers that decide by the first bytes of the regular file `entry`; without `head` of
    /// those that might.
    pub fn by_content(&self, entry: &Entry<'_>, head: Option<&[u8]>, out: &mut Vec<usize>) {
        if entry.kind != EntryKind::File || entry.path.file_name().starts_with(".wh.") {
            return;
        }
        let known = out.len();
        // The bytes first: few files begin as programs and archives do, and every file of a layer is asked about.
        out.extend(self.content.iter().filter(|index| {
            let analyzer = self.analyzers[**index];
            head.is_none_or(|head| analyzer.wants(head)) && analyzer.claims(entry)
        }));
        if out.len() > known {
            out.sort_unstable();
            out.dedup();
        }
    }

    /// The analyzers that find packages in a file of this name, whatever it holds: what a link of the name leads to
    /// matters to them. Programs are known by their content under any name.
    pub(crate) fn named(&self, path: &LayerPath) -> Vec<usize> {
        let mut out = Vec::new();
        self.claims(&Entry { path, kind: EntryKind::File, mode: 0o644, target: "" }, &mut out);
        out.retain(|index| self.is_by_name(*index));
        out
    }

    fn is_by_name(&self, index: usize) -> bool {
        let analyzer = self.analyzers[index];
        let by_content = |i: &Interest| matches!(i, Interest::Executable | Interest::AnyFile | Interest::Metadata);
        // Debian links the directories of a source's packages under usr/share/doc; the merge follows them.
        analyzer.finds_packages()
            && !analyzer.interests().iter().any(by_content)
            && analyzer.id().as_str() != "copyright"
    }

    /// Paths at which analyzers look for packages, and directories below which they do, sorted.
    pub fn places(&self) -> Vec<LayerPath> {
        let by_name = |indices: &[usize]| indices.iter().any(|i| self.is_by_name(*i));
        let paths = self.paths.iter().filter(|(_, indices)| by_name(indices)).map(|(path, _)| *path);
        let below = self.below.iter().filter(|(_, index)| self.is_by_name(*index)).map(|(directory, _)| *directory);
        let mut all: Vec<_> = paths.chain(below).filter_map(|p| LayerPath::normalise(p).ok()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Whether a file of this name may be asked for by its name alone, wherever it lies.
    pub fn wants_name(&self, name: &str) -> bool {
        let by_name = |indices: &Vec<usize>| indices.iter().any(|i| self.is_by_name(*i));
        self.names.get(name).is_some_and(by_name)
            || name.rfind('.').and_then(|dot| self.of_extension(&name[dot..])).is_some_and(by_name)
    }

    /// The analyzers of an ending, in whatever letters: what runs LOG4J.JAR does not look at their case.
    fn of_extension(&self, end: &str) -> Option<&Vec<usize>> {
        match end.bytes().any(|b| b.is_ascii_uppercase()) {
            true => self.extensions.get(end.to_ascii_lowercase().as_str()),
            false => self.extensions.get(end),
        }
    }

    /// Whether an analyzer would find packages in a file called `name` that does not look at it under `path`.
    pub fn tells_more(&self, name: &LayerPath, path: &LayerPath) -> bool {
        !self.more(name, path).is_empty()
    }

    /// The analyzers that [`Self::tells_more`] is about.
    pub(crate) fn more(&self, name: &LayerPath, path: &LayerPath) -> Vec<usize> {
        let mut wanted = self.named(name);
        if !wanted.is_empty() {
            let read = self.named(path);
            wanted.retain(|index| !read.contains(index));
        }
        wanted
    }

    /// The indices of the analyzers that look at every entry.
    pub fn observers(&self) -> &[usize] {
        &self.metadata
    }

    /// Whether any analyzer might claim a file at `path`, whatever its mode: such paths are worth remembering as owned
    /// by a distribution package. Files that only an executable's analyzer could claim count when they lie where
    /// programs and libraries lie, not where documentation does.
    pub fn might_claim(&self, path: &LayerPath) -> bool {
        let name = path.file_name();
        let dotted = name.rfind('.').map(|dot| &name[dot..]);
        let entry = Entry { path, kind: EntryKind::File, mode: 0o644, target: "" };
        let by_name = self.names.get(name).into_iter().flatten();
        let by_extension = dotted.and_then(|end| self.extensions.get(end)).into_iter().flatten();
        let claims = |index: &usize| self.analyzers[*index].finds_packages() && self.analyzers[*index].claims(&entry);
        if by_name.chain(by_extension).any(claims) {
            return true;
        }
        const PROGRAMS: [&str; 8] =
            ["bin", "sbin", "usr/bin", "usr/sbin", "usr/lib", "usr/libexec", "usr/local", "opt"];
        !self.executable.is_empty()
            && PROGRAMS.iter().any(|d| path.is_within(d))
            && (dotted.is_none() || name.contains(".so") || name.bytes().any(|b| b.is_ascii_digit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_the_fingerprint_is_stable() {
        let all = Catalogue::standard();
        let ids: HashSet<_> = all.analyzers().iter().map(|a| a.id()).collect();
        assert_eq!(ids.len(), all.analyzers().len());
        assert!(all.analyzers().iter().all(|a| !a.interests().is_empty()));
        assert_eq!(all.fingerprint(), Catalogue::standard().fingerprint());
        assert_ne!(all.fingerprint(), Catalogue::of(&STANDARD[1..]).fingerprint());
    }

    #[test]
    fn who_is_interested_in_what() {
        let all = Catalogue::standard();
        let mut out = Vec::new();
        let mut claimed = |path: &str, mode| -> Vec<String> {
            let path = LayerPath::normalise(path).unwrap();
            all.claims(&Entry { path: &path, kind: EntryKind::File, mode, target: "" }, &mut out);
            out.iter().map(|i| all.analyzers()[*i].id().as_str().to_owned()).collect()
        };
        assert!(claimed("etc/os-release", 0o644).contains(&"os-release".to_owned()));
        assert!(claimed("a/node_modules/b/package.json", 0o644).contains(&"node-package".to_owned()));
        assert!(claimed("a/node_modules/b/.wh.package.json", 0o644).is_empty());
    }
}
