//! The secret scanner on files. No line of this file is a whole token: other scanners read this repository too, so the
//! tokens are put together here, out of a beginning and characters that are random and the same in every run.

use layergate_model::{Limits, Severity};

use super::*;
use crate::testing::analyze;

/// Characters of `alphabet` in an order without a pattern.
fn random(length: usize, alphabet: &str) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        alphabet[(state >> 33) as usize % alphabet.len()]
    };
    (0..length).map(|_| next()).collect()
}

fn word(length: usize) -> String {
    random(length, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

fn hex(length: usize) -> String {
    random(length, "0123456789abcdef")
}

/// `rule:line` of everything found in `text` at `path`.
fn found(path: &str, text: &str) -> Vec<String> {
    let (section, result) = analyze(&Secrets, path, text.as_bytes());
    result.unwrap();
    section.secrets.iter().map(|s| format!("{}:{}", s.rule, s.line)).collect()
}

#[test]
fn well_known_formats() {
    let pem = |kind: &str| format!("-----{} {kind}-----\n{}\n{}\n-----END {kind}-----\n", "BEGIN", word(64), word(64));
    let upper = random(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    for (path, text, want) in [
        ("root/.aws/credentials", format!("[default]\naws_access_key_id = AKIA{upper}\n"), "aws-access-key-id:2"),
        ("app/.env", format!("AWS_SECRET_ACCESS_KEY={}\n", word(40)), "aws-secret-access-key:1"),
        (
            "app/sa.json",
            format!(
                r#"{{"type": "service_account", "private_key": "-----{} PRIVATE KEY-----\n{}\n"}}"#,
                "BEGIN",
                word(64)
            ),
            "gcp-service-account:1",
        ),
        ("app/a.js", format!("const k = 'AIza{}'", word(35)), "google-api-key:1"),
        ("app/a.yml", format!("c: AccountName=a;AccountKey={}==;", word(86)), "azure-storage-key:1"),
        ("app/ci.yaml", format!("a: 1\nb:\n  token: ghp_{}\n", word(36)), "github-token:3"),
        ("app/x.sh", format!("T=github_pat_{}_{}", word(22), word(59)), "github-fine-grained-token:1"),
        ("app/x.py", format!("T = 'glpat-{}'", word(20)), "gitlab-token:1"),
        ("root/.npmrc", format!("//registry.npmjs.org/:_authToken=npm_{}", word(36)), "npm-token:1"),
        ("app/node_modules/a/.npmrc", format!("//r/:_auth = {}", word(24)), "npmrc-auth:1"),
        ("root/.pypirc", format!("[pypi]\npassword = pypi-Ag{}", word(90)), "pypi-token:2"),
        ("root/.pypirc", "[pypi]\npassword = tr0ub4dor".into(), "pypirc-password:2"),
        (
            "root/.docker/config.json",
            format!(r#"{{"auths":{{"r.io":{{"auth":"{}"}}}}}}"#, word(24)),
            "docker-config-auth:1",
        ),
        ("app/a.properties", format!("stripe=sk_live_{}", word(24)), "stripe-secret-key:1"),
        ("app/a.toml", format!("k = \"SG.{}.{}\"", word(22), word(43)), "sendgrid-key:1"),
        ("app/a.ini", format!("twilio_auth_token = {}", hex(32)), "twilio-auth-token:1"),
        ("app/a.cfg", format!("xoxb-{}-{}", random(12, "0123456789"), word(24)), "slack-token:1"),
        ("app/a.conf", format!("hvs.{}", word(30)), "vault-token:1"),
        (
            "root/.kube/config",
            format!("users:\n- user:\n    client-key-data: LS0tLS1CRUdJTi{}", word(60)),
            "kubeconfig-client-key:3",
        ),
        ("etc/tls/server.key", pem("RSA PRIVATE KEY"), "private-key:1"),
        ("root/.ssh/id_ed25519", format!("\n\n{}", pem("OPENSSH PRIVATE KEY")), "private-key:3"),
        ("etc/tls/server.pem", pem("ENCRYPTED PRIVATE KEY"), "encrypted-private-key:1"),
        (
            "etc/tls/old.pem",
            pem("RSA PRIVATE KEY").replacen(
                "-----\n",
                "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
                1,
            ),
            "encrypted-private-key:1",
        ),
        ("app/s.yaml", format!("t: eyJ{}.eyJ{}.{}", word(30), word(60), word(43)), "json-web-token:1"),
        ("app/db.properties", "url=postgres://app:tr0ub4dor@db:5432/x".into(), "url-password:1"),
        ("root/.git-credentials", "https://ci:tr0ub4dor@git.internal".into(), "http-password:1"),
        ("root/.netrc", "machine a login b password tr0ub4dor".into(), "netrc-password:1"),
        ("root/.pgpass", "# host\ndb:5432:*:app:tr0ub4dor\n".into(), "pgpass-password:2"),
    ] {
        assert_eq!(found(path, &text), [want], "{path}: {text}");
    }
}

#[test]
fn examples_masks_references_and_public_things_are_none() {
    for (path, text) in [
        ("app/.env", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("app/.env", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into()),
        ("app/a.yaml", format!("token: ghp_{}", "x".repeat(36))),
        ("app/a.yaml", format!("token: ghp_{}", "0".repeat(36))),
        ("app/a.yaml", format!("token: ghp_{}", word(20))),
        ("root/.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}".into()),
        ("app/db.properties", "url=postgres://app:${PASSWORD}@db/x\nurl=postgres://app:password@db/x".into()),
        ("app/a.py", format!("if text.startswith('-----{} PRIVATE KEY-----'):\n    {}", "BEGIN", word(60))),
        ("etc/tls/ca.pem", format!("-----{} CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", "BEGIN", word(64))),
        ("etc/tls/pub.pem", format!("-----{} PUBLIC KEY-----\n{}\n", "BEGIN", word(64))),
        ("app/a.js", format!("const t = 'eyJ{}.eyJ{}.{}'", word(30), word(60), word(43))),
        ("app/package.json", r#"{"name": "a", "auth": "no"}"#.into()),
        ("app/notes.txt", "the secret key of success: hard work and a lot of coffee every single day".into()),
    ] {
        assert_eq!(found(path, &text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn only_the_ends_are_kept() {
    let token = format!("ghp_{}", word(36));
    let (section, _) = analyze(&Secrets, "app/.env", format!("T={token}\nP=postgres://a:tr0ub4dor@b\n").as_bytes());
    let shown: Vec<_> = section.secrets.iter().map(|s| s.redacted.as_str()).collect();
    assert_eq!(shown, [&format!("ghp_******{}", &token[38..]), "******"]);
    assert_eq!(section.secrets[0].severity, Severity::Critical);
    let stored = format!("{section:?}");
    assert!(!stored.contains(&token[4..20]) && !stored.contains("tr0ub4dor"), "{stored}");
}

#[test]
fn what_is_too_much_is_said() {
    let many: String = (0..300).map(|n| format!("k{n}: AKIA{}\n", random(16, "ABCDEFGHIJKLMNOP234567"))).collect();
    let (section, result) = analyze(&Secrets, "app/many.yaml", many.as_bytes());
    assert_eq!(section.secrets.len(), MAX_OF_FILE);
    assert!(result.is_err());
    let (path, limits) = (LayerPath::normalise("app/a.yaml").unwrap(), Limits::default());
    let mut section = Section::default();
    for _ in 0..20 {
        let _ = Secrets.analyze(&File::new(&path, 0o644, many.as_bytes(), &limits), &mut section);
    }
    assert_eq!(section.secrets.len(), MAX_OF_LAYER);
}

#[test]
fn files_made_to_hurt_take_no_time() {
    let begin = "-----BEGIN ";
    let pieces = [
        format!("{begin}PRIVATE KEY-----\n"),
        format!("{begin}RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED "),
        format!("{begin}A B C PRIVATE KEY-----{}", " ".repeat(299)),
        "eyJaaaaaaaaaaaaa.".into(),
        "eyJ".into(),
        "postgres://a:".into(),
        format!("redis://{}:", "a".repeat(79)),
        "secret_access_key=".into(),
        "\"private_key\": service_account ".into(),
        "AKIA".into(),
        "1234567890:AA".into(),
        "a:1:a:".into(),
        "twilio".into(),
        "ghp_".into(),
        "password ".into(),
    ];
    for name in ["app/.env", "root/.pgpass", "root/.netrc", "root/.npmrc"] {
        for piece in &pieces {
            let (text, clock) = (piece.repeat((1 << 20) / piece.len()), std::time::Instant::now());
            let (section, _) = analyze(&Secrets, name, text.as_bytes());
            assert!(section.secrets.len() <= MAX_OF_FILE, "{name}: {piece}");
            // Unoptimised and beside other tests; quadratic work takes minutes.
            assert!(clock.elapsed().as_secs() < 60, "{name}: {piece}: {:?}", clock.elapsed());
        }
    }
}

#[test]
fn large_and_binary_files_are_passed_over() {
    let path = |text: &str| LayerPath::normalise(text).unwrap();
    assert!(
        Secrets.wants_size(&path("app/a.json"), 1 << 20) && !Secrets.wants_size(&path("app/a.json"), (1 << 20) + 1)
    );
    assert!(Secrets.wants_size(&path("app/terraform.tfstate"), 9 << 20));
    assert!(!Secrets.wants(b"a\0b") && !Secrets.wants(b"") && Secrets.wants(b"a=b"));
}

#[test]
fn rules_are_sound() {
    let mut ids: Vec<_> = RULES.iter().map(|r| r.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), RULES.len());
    assert!(KEYWORDS.is_some());
    for (index, rule) in RULES.iter().enumerate() {
        let compiled = pattern(index).unwrap_or_else(|| panic!("{} does not compile", rule.id));
        assert_eq!(compiled.captures_len(), 2, "{}: group 1 is the secret", rule.id);
        assert!(!rule.keywords.is_empty() || matches!(rule.scope, In::Named(_)), "{}", rule.id);
        assert!(rule.keywords.iter().all(|k| k.len() >= 2 && *k == k.to_ascii_lowercase()), "{}", rule.id);
    }
}

/// `docs/secrets.md`, from the rules.
fn page() -> String {
    let introduction = "\
# Secrets

What the secret scanner looks for. A rule is tried where one of its words stands in a file that counts (settings, sources, texts,
and what can hold a token by name); the text is cut before it is stored anywhere, and a secret is reported even where an upper
layer hides its file. The id is what a [policy](policy.md) and an exception name.

This page is made from the rules by `UPDATE_GOLDEN=1 cargo test -p layergate-inventory page_of_secrets`.

| rule | severity | what | tried in |
|---|---|---|---|
";
    let rows = RULES.iter().map(|rule| {
        let scope = match rule.scope {
            In::Any => "every file that is read".to_owned(),
            In::Settings => "texts, not programs and data".to_owned(),
            In::Named(names) => format!("`{}`", names.join("`, `")),
        };
        format!("| `{}` | {} | {} | {scope} |\n", rule.id, rule.severity, rule.title)
    });
    std::iter::once(introduction.to_owned()).chain(rows).collect()
}

#[test]
fn the_page_of_secrets_is_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/secrets.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page(), "UPDATE_GOLDEN=1 cargo test -p layergate-inventory page_of_secrets renews it");
}
