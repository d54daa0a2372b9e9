//! Which files the secret scanner reads: settings, keys and an application's own sources, by name and place.
//!
//! Reading every file of a layer would cost more than everything else together, so a file is read when its name says
//! that it holds settings, keys or state, or when it is a program in source form outside of a library's directory.
//! Libraries (`node_modules`, `site-packages`, `usr/lib/python3*`), documentation and locales are full of keys made for
//! tests; there only the names of credential files count (`.npmrc`, `.env`, `.pypirc`, …).
//!
//! Limits: [`MAX_BYTES`] for most files; larger ones, binary ones (a NUL in the first bytes: also UTF-16 and DER) and files
//! of other names are out of scope. [`MAX_NAMED_BYTES`] for those that are named for credentials, settings or state; a larger
//! one of these is a gap.

use layergate_model::LayerPath;

use crate::Interest;

/// The largest file that is read when only its extension speaks for it.
pub(super) const MAX_BYTES: u64 = 1 << 20;
/// The largest credential, settings or state file that is read.
pub(super) const MAX_NAMED_BYTES: u64 = 16 << 20;

/// Why a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A file of this name holds credentials, or settings with credentials.
    Named,
    /// Settings, keys, state: `.yaml`, `.pem`, `.properties`.
    Settings,
    /// Data or a program: `.json`, `.xml`, `.py`, `.sh`.
    Source,
}

macro_rules! scope {
    (named: $($name:literal)*; settings: $($setting:literal)*; sources: $($source:literal)*;) => {
        /// The names and extensions for the catalogue's index.
        pub(super) static INTERESTS: &[Interest] = &[
            $(Interest::Name($name),)* $(Interest::Extension($setting),)* $(Interest::Extension($source),)*
        ];

        fn sort_by_name(name: &str) -> Option<Sort> {
            match name {
                $($name)|* => return Some(Sort::Named),
                _ => {}
            }
            match &name[name.rfind('.')?..] {
                $($setting)|* => Some(Sort::Settings),
                $($source)|* => Some(Sort::Source),
                _ => None,
            }
        }
    };
}

scope! {
    named:
        ".env" ".env.local" ".env.prod" ".env.production" ".env.dev" ".env.development" ".env.staging" ".env.test"
        ".netrc" "_netrc" ".npmrc" ".yarnrc" ".yarnrc.yml" ".pypirc" "pip.conf" ".git-credentials" ".dockercfg"
        ".dockerconfigjson" ".pgpass" ".my.cnf" ".s3cfg" ".boto" ".htpasswd" ".vault-token" ".terraformrc"
        "id_rsa" "id_dsa" "id_ecdsa" "id_ed25519" "ssh_host_rsa_key" "ssh_host_dsa_key" "ssh_host_ecdsa_key"
        "ssh_host_ed25519_key" "credentials" "config" "kubeconfig" "settings.xml" "gradle.properties"
        "terraform.tfstate" "terraform.tfstate.backup" "wp-config.php" ".bash_history" ".bashrc" ".profile"
        "environment" "Dockerfile";
    settings:
        ".env" ".pem" ".key" ".yaml" ".yml" ".toml" ".ini" ".conf" ".cfg" ".cnf" ".properties" ".tf" ".tfvars"
        ".tfstate" ".ppk" ".asc" ".ovpn" ".kubeconfig";
    sources:
        ".json" ".xml" ".sh" ".py" ".js" ".mjs" ".cjs" ".ts" ".rb" ".php" ".sql" ".txt";
}

/// Nobody keeps credentials here, but many keep examples of them.
const NEVER: [&str; 12] = [
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/info",
    "usr/share/zoneinfo",
    "usr/share/i18n",
    "usr/share/icons",
    "usr/share/mime",
    "usr/share/perl",
    "usr/share/perl5",
    "usr/share/vim",
    "usr/src",
];

/// What distributions install; their settings are read, their programs and data are not.
const INSTALLED: [&str; 4] = ["usr/share", "usr/lib", "usr/lib64", "lib"];

/// Whether, and why, the file at `path` is read.
pub(super) fn sort_of(path: &LayerPath) -> Option<Sort> {
    let sort = sort_by_name(path.file_name())?;
    if NEVER.iter().any(|d| path.is_within(d)) {
        return None;
    }
    let of_library = path.split('/').any(|part| {
        matches!(part, "node_modules" | "site-packages" | "dist-packages" | "gems") || is_python_home(part)
    });
    let wanted = match sort {
        // `config` and `credentials` are also the names of modules.
        Sort::Named => !of_library || path.file_name().starts_with(['.', '_']),
        Sort::Settings => !of_library,
        Sort::Source => !of_library && !INSTALLED.iter().any(|d| path.is_within(d)),
    };
    wanted.then_some(sort)
}

/// `python3`, `python3.12`: the standard library's directory, with keys for its tests.
fn is_python_home(part: &str) -> bool {
    part.strip_prefix("python").is_some_and(|v| v.starts_with(['2', '3']) && !v.contains(|c: char| c.is_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_is_not() {
        use Sort::{Named, Settings, Source};
        for (path, want) in [
            ("root/.aws/credentials", Some(Named)),
            ("root/.kube/config", Some(Named)),
            ("app/.env.production", Some(Named)),
            ("app/prod.env", Some(Settings)),
            ("etc/nginx/tls.key", Some(Settings)),
            ("usr/share/elasticsearch/config/node.yml", Some(Settings)),
            ("usr/share/misc/data.json", None),
            ("app/main.py", Some(Source)),
            ("usr/lib/python3/dist-packages/x/a.py", None),
            ("usr/local/lib/python3.12/test/keycert.pem", None),
            ("app/python-client/settings.toml", Some(Settings)),
            ("app/node_modules/a/test/server.key", None),
            ("app/node_modules/a/.npmrc", Some(Named)),
            ("app/node_modules/a/config", None),
            ("usr/share/doc/a/example.env", None),
            ("usr/bin/ls", None),
            ("app/README", None),
        ] {
            assert_eq!(sort_of(&LayerPath::normalise(path).unwrap()), want, "{path}");
        }
    }
}
