//! How a registry is asked: logins, tokens and challenges as Docker, crane and containerd take them, proxies, and what
//! is reported when somebody on the way refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use layergate_tests::{
    fake::{Answer, Asked, Fake},
    layout::{Image, digest},
    program::{Program, Run, fixture},
    recipe::Recipe,
};

fn shop() -> Image {
    Image::build(&Recipe::read(fixture("recipes/shop.toml").as_ref()).unwrap()).unwrap()
}

/// A registry's answer to a read that it allows.
fn content(asked: &Asked, image: &Image) -> Answer {
    let kind = vec![("Content-Type".to_owned(), "application/vnd.oci.image.manifest.v1+json".to_owned())];
    let last = asked.target.rsplit('/').next().unwrap_or_default();
    if asked.target.contains("/manifests/") && (last == "v1" || last == digest(&image.manifest)) {
        return (200, kind, image.manifest.clone());
    }
    match image.blobs.iter().find(|(digest, _)| digest == last) {
        Some((_, bytes)) => (200, Vec::new(), bytes.clone()),
        None => (404, Vec::new(), Vec::new()),
    }
}

fn scan(program: &Program, reference: &str, environment: &[(&str, String)]) -> Run {
    let db = fixture("advisories");
    let mut command = program.command(["scan", "--offline", "--quiet", "--db", &db, reference]);
    program.finish(command.envs(environment.iter().map(|(k, v)| (k, v))))
}

/// What a registry says, where the token comes from, what is configured, and what then is sent.
struct Row {
    name: &'static str,
    /// `WWW-Authenticate`; `{}` is the server's own address.
    challenges: &'static [&'static str],
    /// The token service's answer.
    token: &'static str,
    /// The registry's entry in the configuration.
    login: &'static str,
    /// What the registry wants to see in the end.
    wanted: &'static str,
    /// What the question to the token service holds, if there is one.
    asked: &'static str,
}

const GOOD: &str = r#"{"token": "good"}"#;
const PULL: &str = "scope=repository%3Ateam%2Fshop%3Apull";
/// a:b.
const AUTH: &str = r#"{"auth": "YTpi"}"#;

const ROWS: &[Row] = &[
    Row { name: "basic", challenges: &["Basic realm=\"r\""], token: "", login: AUTH, wanted: "Basic YTpi", asked: "" },
    Row {
        name: "both in one header",
        challenges: &["Basic realm=\"r\", Bearer realm=\"http://{}/token\",service=\"s\""],
        token: GOOD,
        login: AUTH,
        wanted: "Bearer good",
        asked: "service=s",
    },
    Row {
        name: "in several headers, one of them unknown",
        challenges: &["Negotiate", "Basic realm=\"r\"", "Bearer realm=\"http://{}/token\""],
        token: GOOD,
        login: AUTH,
        wanted: "Bearer good",
        asked: PULL,
    },
    Row {
        name: "no scope, nobody",
        challenges: &["Bearer realm=\"http://{}/token\""],
        token: GOOD,
        login: "{}",
        wanted: "Bearer good",
        asked: PULL,
    },
    Row {
        name: "the scope that is named",
        challenges: &["Bearer realm=\"http://{}/token\",scope=\"repository:other/name:pull\""],
        token: GOOD,
        login: "{}",
        wanted: "Bearer good",
        asked: "other%2Fname",
    },
    Row {
        name: "access_token alone",
        challenges: &["Bearer realm=\"http://{}/token\""],
        token: r#"{"access_token": "good"}"#,
        login: "{}",
        wanted: "Bearer good",
        asked: PULL,
    },
    Row {
        name: "an empty token beside it",
        challenges: &["Bearer realm=\"http://{}/token\""],
        token: r#"{"token": "", "access_token": "good", "expires_in": 300}"#,
        login: "{}",
        wanted: "Bearer good",
        asked: PULL,
    },
    Row {
        name: "a realm that is a path",
        challenges: &["Bearer realm=\"/token\""],
        token: GOOD,
        login: AUTH,
        wanted: "Bearer good",
        asked: PULL,
    },
    Row {
        name: "a realm with a question of its own",
        challenges: &["Bearer realm=\"http://{}/token?x=y\""],
        token: GOOD,
        login: AUTH,
        wanted: "Bearer good",
        asked: "x=y",
    },
    Row {
        name: "an identity token",
        challenges: &["Bearer realm=\"http://{}/token\",service=\"s\""],
        token: r#"{"access_token": "good"}"#,
        login: r#"{"identitytoken": "refresh"}"#,
        wanted: "Bearer good",
        asked: "grant_type=refresh_token",
    },
    Row {
        name: "a registry token",
        challenges: &["Bearer realm=\"http://{}/token\""],
        token: "",
        login: r#"{"registrytoken": "good"}"#,
        wanted: "Bearer good",
        asked: "",
    },
];

#[test]
fn challenges_tokens_and_logins() {
    for row in ROWS {
        let image = shop();
        let registry = Fake::start(move |asked, port| {
            if asked.target.starts_with("/token") {
                return (200, Vec::new(), row.token.as_bytes().to_vec());
            }
            if asked.headers.get("authorization").is_some_and(|a| a == row.wanted) {
                return content(asked, &image);
            }
            let host = format!("127.0.0.1:{port}");
            let challenges = row.challenges.iter().map(|c| ("WWW-Authenticate".to_owned(), c.replace("{}", &host)));
            (401, challenges.collect(), Vec::new())
        });
        let program = Program::default();
        let docker = program.home.path().join(".docker");
        fs::create_dir(&docker).unwrap();
        let host = format!("127.0.0.1:{}", registry.port);
        fs::write(docker.join("config.json"), format!(r#"{{"auths": {{"{host}": {}}}}}"#, row.login)).unwrap();
        let run = scan(&program, &format!("{host}/team/shop:v1"), &[]);
        assert_eq!(run.code, 1, "{}: {}", row.name, run.stderr);
        let questions = registry.seen().into_iter().filter(|a| a.target.starts_with("/token"));
        let all: String = questions.map(|a| format!("{} {}\n", a.target, a.body)).collect();
        assert!(all.contains(row.asked) && all.is_empty() == row.asked.is_empty(), "{}: {all}", row.name);
    }
}

#[test]
fn configurations_are_found_where_they_lie() {
    let image = shop();
    let registry = Fake::start(move |asked, _| match asked.headers.get("authorization").map(String::as_str) {
        Some("Basic YTpi") => content(asked, &image),
        _ => (401, vec![("WWW-Authenticate".to_owned(), "Basic realm=\"r\"".to_owned())], Vec::new()),
    });
    let host = format!("127.0.0.1:{}", registry.port);
    for (variable, value, file) in [
        ("X", "", ".docker/config.json"),
        ("DOCKER_CONFIG", "elsewhere", "elsewhere/config.json"),
        ("REGISTRY_AUTH_FILE", "own.json", "own.json"),
        ("XDG_RUNTIME_DIR", "run", "run/containers/auth.json"),
        ("X", "", ".config/containers/auth.json"),
    ] {
        for key in [host.clone(), format!("http://{host}"), format!("https://{host}/v2/"), format!("{host}/team")] {
            let program = Program::default();
            let path = program.home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!(r#"{{"auths": {{"{key}": {AUTH}}}}}"#)).unwrap();
            let value = program.home.path().join(value).display().to_string();
            let run = scan(&program, &format!("{host}/team/shop:v1"), &[(variable, value)]);
            assert_eq!(run.code, 1, "{file} {key}: {}", run.stderr);
        }
    }
    // From helpers, for this registry alone and for all; one that has nothing leaves it to the file.
    for (config, script) in [
        (format!(r#"{{"credHelpers": {{"{host}": "own"}}}}"#), r#"echo '{"Username": "a", "Secret": "b"}'"#),
        (r#"{"credsStore": "own"}"#.to_owned(), r#"echo '{"Username": "a", "Secret": "b"}'"#),
        (
            format!(r#"{{"credsStore": "own", "auths": {{"{host}": {AUTH}}}}}"#),
            "echo 'credentials not found in native keychain'; exit 1",
        ),
    ] {
        let program = Program::default();
        let run = scan_with_helper(&program, &config, script, &format!("{host}/team/shop:v1"));
        assert_eq!(run.code, 1, "{config}: {}", run.stderr);
    }
}

/// A configuration that names a helper that this machine does not have, or that fails, is Docker's reason to ask as
/// nobody; where nobody is refused, it is reported what could not be had and where it was looked for.
#[test]
fn a_login_that_cannot_be_had_hides_no_public_image_and_explains_a_private_one() {
    for private in [false, true] {
        let image = shop();
        let registry = Fake::start(move |asked, _| match asked.headers.get("authorization").map(String::as_str) {
            Some("Basic YTpi") => content(asked, &image),
            None if !private => content(asked, &image),
            _ => (401, vec![("WWW-Authenticate".to_owned(), "Basic realm=\"r\"".to_owned())], Vec::new()),
        });
        let host = format!("127.0.0.1:{}", registry.port);
        let reference = format!("{host}/team/shop:v1");
        for (config, script, said) in [
            (r#"{"credsStore": "elsewhere"}"#, "", ["docker-credential-elsewhere", "cannot be run", "config.json"]),
            (
                r#"{"credsStore": "own"}"#,
                "echo 'ExpiredToken: log in' >&2; exit 1",
                ["own", "ExpiredToken", "asks for a user"],
            ),
            (
                r#"{"credsStore": "own"}"#,
                "echo 'the keychain is locked'; exit 1",
                ["own", "keychain is locked", "asks for a user"],
            ),
            (r#"{"credsStore": "own"}"#, "echo '{\"Secret\":\"hunter2\"'; exit 1", ["own", "failed", "shows why"]),
            (r#"{"credsStore": "own"}"#, "echo hunter2", ["own", "an answer that is none", "JSON"]),
            (r#"{"credsStore": "own"}"#, "echo '{}'", ["no credential", "config.json", "docker login"]),
            ("{}", "", ["no credential", ".docker/config.json", "containers/auth.json"]),
        ] {
            let program = Program::default();
            let run = scan_with_helper(&program, config, script, &reference);
            assert_eq!(run.code, if private { 3 } else { 1 }, "{config} {script}: {}", run.stderr);
            assert!(!private || said.iter().all(|s| run.stderr.contains(s)), "{said:?}: {}", run.stderr);
            assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        }
        // A helper that leaves a program behind (an agent), and the variable of Docker and GitLab.
        let program = Program::default();
        let script = "sleep 90 &\necho '{\"Username\": \"a\", \"Secret\": \"b\"}'";
        let began = Instant::now();
        let run = scan_with_helper(&program, r#"{"credsStore": "own"}"#, script, &reference);
        assert!(run.code == 1 && began.elapsed() < Duration::from_secs(60), "{}", run.stderr);
        let config = format!(r#"{{"auths": {{"{host}": {AUTH}}}}}"#);
        let run = scan(&Program::default(), &reference, &[("DOCKER_AUTH_CONFIG", config)]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        let wrong = format!(r#"{{"auths": {{"{host}": {{"auth": "eDpodW50ZXIy"}}}}}}"#);
        let run = scan(&Program::default(), &reference, &[("DOCKER_AUTH_CONFIG", wrong)]);
        assert!(!private || run.stderr.contains("user \"x\" of DOCKER_AUTH_CONFIG"), "{}", run.stderr);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

fn scan_with_helper(program: &Program, config: &str, script: &str, reference: &str) -> Run {
    let home = program.home.path();
    fs::create_dir_all(home.join(".docker")).unwrap();
    fs::write(home.join(".docker/config.json"), config).unwrap();
    let helper = home.join("docker-credential-own");
    fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap());
    scan(program, reference, &[("PATH", path)])
}

#[test]
fn a_helper_that_hangs_is_ended_and_named() {
    let program = Program::default();
    let began = Instant::now();
    let run = scan_with_helper(&program, r#"{"credsStore": "own"}"#, "exec sleep 600", "127.0.0.1:9/team/shop:v1");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("docker-credential-own") && run.stderr.contains("30 s"), "{}", run.stderr);
    assert!(began.elapsed() < Duration::from_secs(300));
}

#[test]
fn a_password_in_a_reference_is_refused_and_never_shown() {
    let program = Program::default();
    for reference in [
        "user:hunter2@registry.example/team/app:1",
        "https://user:hunter2@registry.example/team/app:1",
        "https://token:hunter2@127.0.0.1:5000/team/app",
        "docker://user:hunter2@registry.example/team/app",
    ] {
        for more in [&[][..], &["--server", "http://127.0.0.1:1"]] {
            let run = program.run([&["scan"][..], more, &[reference]].concat());
            assert_eq!(run.code, 2, "{reference}: {}", run.stderr);
            assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{reference}: {}", run.stderr);
        }
    }
}

/// `0.0.0.0` is this machine too and no loopback address, so that what is asked directly is distinguished from what
/// goes by a proxy.
#[test]
fn proxies_and_those_who_pass_them_by() {
    let image = shop();
    let registry = Fake::start(move |asked, _| content(asked, &image));
    let through = shop();
    let proxy = Fake::start(move |asked, _| content(asked, &through));
    let (far, near) =
        (format!("0.0.0.0:{}/team/shop:v1", registry.port), format!("localhost:{}/team/shop:v1", registry.port));
    let with_port = format!("0.0.0.0:{}", registry.port);
    let to_proxy = format!("http://user:hunter2@127.0.0.1:{}", proxy.port);
    for (reference, variable, exceptions, by_proxy) in [
        (&far, "HTTP_PROXY", "", true),
        (&far, "http_proxy", "", true),
        (&far, "ALL_PROXY", "", true),
        (&far, "HTTP_PROXY", "0.0.0.0", false),
        (&far, "HTTP_PROXY", "0.0.0.0/8", false),
        (&far, "HTTP_PROXY", "example.com, 0.0.0.0/16", false),
        (&far, "HTTP_PROXY", "*", false),
        (&far, "HTTP_PROXY", &with_port, false),
        (&far, "HTTP_PROXY", "10.0.0.0/8,192.168.0.0/16", true),
        (&far, "HTTP_PROXY", ".example.com", true),
        (&near, "HTTP_PROXY", "", false),
        (&near, "ALL_PROXY", "10.0.0.0/8", false),
    ] {
        let program = Program::default();
        let environment = [
            (variable, to_proxy.clone()),
            ("NO_PROXY", exceptions.to_owned()),
            ("LAYERGATE_PLAIN_HTTP", "1".to_owned()),
        ];
        let run = scan(&program, reference, &environment);
        assert_eq!(run.code, 1, "{reference} {variable} {exceptions}: {}", run.stderr);
        let (direct, by) = (registry.seen().len(), proxy.seen().len());
        assert_eq!((direct > 0, by > 0), (!by_proxy, by_proxy), "{reference} {variable} {exceptions}");
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn whoever_refuses_on_the_way_is_named() {
    let asks =
        Fake::start(|_, _| (407, vec![("Proxy-Authenticate".to_owned(), "Basic realm=\"p\"".to_owned())], Vec::new()));
    let proxy = format!("http://user:hunter2@127.0.0.1:{}", asks.port);
    let place = format!("127.0.0.1:{}", asks.port);
    // Each is tried some times.
    let mut rows = Vec::new();
    for (reference, variable, value, said) in [
        ("0.0.0.0:1/team/shop:v1", "HTTP_PROXY", proxy.as_str(), [place.as_str(), "HTTP_PROXY", "407"]),
        ("registry.invalid/team/shop:v1", "HTTPS_PROXY", &proxy, [&place, "HTTPS_PROXY", "registry.invalid"]),
        (
            "registry.invalid/team/shop:v1",
            "HTTPS_PROXY",
            "http://127.0.0.1:9",
            ["127.0.0.1:9", "HTTPS_PROXY", "registry.invalid"],
        ),
        (
            "registry.invalid/team/shop:v1",
            "ALL_PROXY",
            "socks5://u:hunter2@127.0.0.1:9",
            ["ALL_PROXY", "http://", "proxies are supported"],
        ),
        ("registry.invalid/team/shop:v1", "HTTPS_PROXY", "proxy.corp:notaport", ["HTTPS_PROXY", "port", "unset"]),
    ] {
        let (value, said) = (value.to_owned(), said.map(str::to_owned));
        rows.push(std::thread::spawn(move || {
            let program = Program::default();
            let plain = if reference.starts_with('0') { "1" } else { "0" };
            let run = scan(&program, reference, &[(variable, value), ("LAYERGATE_PLAIN_HTTP", plain.to_owned())]);
            assert!([2, 3].contains(&run.code), "{reference}: {}", run.stderr);
            assert!(said.iter().all(|s| run.stderr.contains(s.as_str())), "{said:?}: {}", run.stderr);
            assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        }));
    }
    for row in rows {
        row.join().unwrap();
    }
    // Who needs no proxy is not troubled by one that cannot be used.
    let program = Program::default();
    let run =
        scan(&program, &format!("oci:{}", fixture("images/shop")), &[("ALL_PROXY", "socks5://127.0.0.1:9".to_owned())]);
    assert_eq!(run.code, 1, "{}", run.stderr);
}
