//! Registries that refuse, stumble, lie and lure: each ends in the right kind of error, with words, or is overcome.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use layergate_model::Digest;
use layergate_ports::{
    ImageSource,
    values::{CredentialName, ImageRequest, LayerLocator, SourceError},
};
use layergate_registry::{Location, Sources, credentials::CredentialSources};
use support::*;

fn kind(error: &SourceError) -> &'static str {
    match error {
        SourceError::NotFound(_) => "not found",
        SourceError::Unauthorized(_) => "unauthorized",
        SourceError::NotAnImage(_) => "not an image",
        SourceError::Unsupported(_) => "unsupported",
        SourceError::Unavailable { .. } => "unavailable",
        SourceError::Malformed(_) => "malformed",
    }
}

#[tokio::test]
async fn every_answer_to_a_manifest_has_its_error() {
    let json = r#"{"errors":[{"code":"X","message":"because of\nreasons"}]}"#;
    let huge = vec![b' '; (4 << 20) + 1];
    let wrong = Digest::of(b"other").to_string();
    type Make = Box<dyn Fn() -> Reply + Send + Sync>;
    let cases: Vec<(&str, Make, &str, &str)> = vec![
        ("401", Box::new(move || Reply::new(401, json)), "unauthorized", "401"),
        (
            "401b",
            Box::new(|| Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\"")),
            "unauthorized",
            "no credential",
        ),
        (
            "401n",
            Box::new(|| Reply::new(401, "").header("WWW-Authenticate", "Negotiate")),
            "unauthorized",
            "Basic, Bearer",
        ),
        ("403", Box::new(move || Reply::new(403, json)), "unauthorized", "because of reasons"),
        ("404", Box::new(move || Reply::new(404, json)), "not found", "404"),
        ("404html", Box::new(|| Reply::new(404, "<html>")), "not found", "private repository"),
        ("429", Box::new(|| Reply::new(429, "")), "unavailable", "429"),
        ("429long", Box::new(|| Reply::new(429, "").header("Retry-After", 3600)), "unavailable", "3600 s"),
        ("500", Box::new(|| Reply::new(500, "<html>oops")), "unavailable", "500"),
        ("503", Box::new(move || Reply::new(503, json)), "unavailable", "503"),
        ("418", Box::new(|| Reply::new(418, "")), "malformed", "418"),
        ("half", Box::new(|| Reply::new(200, "{\"schemaVersion\": 2}").cut(7)), "unavailable", "broke"),
        ("nothing", Box::new(|| Reply::new(200, "").cut(0)), "malformed", "empty"),
        (
            "html",
            Box::new(|| Reply::new(200, "<!doctype html>").header("Content-Type", "text/html")),
            "malformed",
            "HTML",
        ),
        ("garbage", Box::new(|| Reply::new(200, "\u{0}\u{1}garbage")), "malformed", "specification"),
        ("huge", Box::new(move || Reply::new(200, huge.clone())), "malformed", "larger than 4194304"),
        ("schema1", Box::new(|| Reply::new(200, r#"{"schemaVersion":1,"fsLayers":[]}"#)), "unsupported", "schema 1"),
        ("type", Box::new(|| Reply::new(200, r#"{"mediaType":"application/x-y"}"#)), "not an image", "application/x-y"),
        (
            "digest",
            Box::new(move || Reply::new(200, "{}").header("Docker-Content-Digest", &wrong)),
            "malformed",
            "should be",
        ),
        (
            "loop",
            Box::new(|| Reply::new(307, "").header("Location", "/v2/team/app/manifests/loop")),
            "malformed",
            "5 redirects",
        ),
        ("lost", Box::new(|| Reply::new(307, "")), "malformed", "Location"),
        ("ftp", Box::new(|| Reply::new(307, "").header("Location", "ftp://x/")), "malformed", "neither https nor http"),
        (
            "plain",
            Box::new(|| Reply::new(307, "").header("Location", "http://example.com/x")),
            "malformed",
            "plain HTTP",
        ),
        (
            "slow",
            Box::new(|| Reply { pause: Duration::from_secs(1), ..Reply::new(200, "{}") }),
            "unavailable",
            "nothing came within the time",
        ),
    ];
    let table: Arc<Vec<_>> = Arc::new(cases);
    let answers = Arc::clone(&table);
    let server = Server::start(move |request| {
        let tag = request.path.rsplit('/').next().unwrap();
        answers.iter().find(|c| c.0 == tag).map_or_else(|| Reply::new(404, ""), |c| c.1())
    });
    let sources = sources();
    for (tag, _, want, words) in table.iter() {
        let error = resolve(&sources, &format!("{}/team/app:{tag}", server.address)).await.unwrap_err();
        assert_eq!(kind(&error), *want, "{tag}: {error}");
        assert!(error.to_string().contains(words), "{tag}: {error}");
        assert!(!error.to_string().contains('\n'), "{tag}: {error}");
    }
    let asked = |tag: &str| server.paths().iter().filter(|p| p.ends_with(&format!("/{tag}"))).count();
    assert_eq!(asked("500"), 4, "tried again");
    assert_eq!(asked("429long"), 1, "not kept waiting for an hour");
    assert_eq!(asked("404"), 1, "final at once");
}

#[tokio::test]
async fn nobody_there_and_no_such_name() {
    let closed = format!("127.0.0.1:{}", layergate_tests::servers::free_port());
    let error = resolve(&sources(), &format!("{closed}/a/b")).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("the connection was refused"), "{error}");
    assert!(error.to_string().contains("is the registry running"), "{error}");

    let error = resolve(&sources(), "registry.invalid/a/b").await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("registry.invalid"), "{error}");

    // A registry that speaks plain HTTP where TLS is expected, on an address that is not asked without it.
    let server = Server::start(|_| Reply::new(200, "{}"));
    let address = server.address.replace("127.0.0.1", "localhost.localdomain");
    let error = resolve(&sources(), &format!("{address}/a/b")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn retry_after_is_obeyed_and_the_image_comes() {
    let image = Arc::new(image("a", "linux/amd64"));
    let (held, asked) = (Arc::clone(&image), Arc::new(AtomicUsize::new(0)));
    let server = Server::start(move |request| {
        if request.path.contains("/manifests/") && asked.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::new(429, "").header("Retry-After", 1);
        }
        serve_image(&held, request).unwrap_or_else(|| Reply::new(404, ""))
    });
    let sources = sources();
    let began = Instant::now();
    let images = resolve(&sources, &format!("{}/team/app:v1", server.address)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(images[0].digest, Digest::of(&image.manifest));
    assert_eq!(images[0].layers.iter().map(|l| l.digest).collect::<Vec<_>>(), image.layers);
    read_all(&sources, &images[0]).await;
}

#[tokio::test]
async fn a_blob_survives_cuts_and_lies_are_reported() {
    let image = Arc::new(image("b", "linux/amd64"));
    let cuts = Arc::new(AtomicUsize::new(0));
    let mode = Arc::new(std::sync::Mutex::new("cut"));
    let (held, counted, how) = (Arc::clone(&image), Arc::clone(&cuts), Arc::clone(&mode));
    let server = Server::start(move |request| {
        let reply = serve_image(&held, request).unwrap_or_else(|| Reply::new(404, ""));
        if !request.path.contains("/blobs/") || !held.layers.iter().any(|l| request.path.contains(&l.to_string())) {
            return reply;
        }
        let how = *how.lock().unwrap();
        let half = reply.body.len() / 2;
        match how {
            "cut" if counted.fetch_add(1, Ordering::SeqCst) < 3 => reply.cut(half.max(1)),
            "no ranges" => {
                let mut plain = request.clone();
                plain.headers.remove("range");
                let whole = serve_image(&held, &plain).unwrap();
                let cut = whole.body.len() / 2;
                if counted.fetch_add(1, Ordering::SeqCst) < 2 { whole.cut(cut) } else { whole }
            }
            "wrong range" if request.headers.contains_key("range") => {
                Reply { headers: vec![("Content-Range".into(), "bytes 0-9/10".into())], ..reply }
            }
            "wrong range" => reply.cut(half),
            "longer" => Reply::new(200, [reply.body, b"more".to_vec()].concat()),
            "shorter" => Reply::new(200, &reply.body[..half]),
            "gone" => Reply::new(404, ""),
            "always cut" => reply.cut(0),
            "busy" if counted.fetch_add(1, Ordering::SeqCst) < 2 => Reply::new(503, ""),
            _ => reply,
        }
    });
    let sources = sources();
    let found = resolve(&sources, &format!("{}/team/app:v1", server.address)).await.unwrap();
    let layer = &found[0].layers[0];
    for (how, want) in [
        ("cut", None),
        ("no ranges", None),
        ("busy", None),
        ("wrong range", Some("another one came")),
        ("longer", Some("the manifest says")),
        ("shorter", Some("the manifest says")),
        ("gone", Some("404")),
        ("always cut", Some("after 0 of")),
    ] {
        *mode.lock().unwrap() = how;
        cuts.store(0, Ordering::SeqCst);
        let got = read(&sources, &layer.locator).await;
        match want {
            None => assert_eq!(Digest::of(&got.unwrap()), layer.digest, "{how}"),
            Some(want) => {
                let error = got.unwrap_err();
                assert!(error.contains(want) || (how == "always cut" && error.contains("broke")), "{how}: {error}");
            }
        }
    }
    assert!(cuts.load(Ordering::SeqCst) < 100);
}

/// A registry and its token service; storage elsewhere.
struct Guarded {
    registry: Server,
    storage: Server,
    image: Arc<Image>,
}

fn guarded(scheme: &'static str) -> Guarded {
    let image = Arc::new(image("c", "linux/amd64"));
    let held = Arc::clone(&image);
    let storage = Server::start(move |request| {
        let digest = request.path.trim_start_matches('/').split('?').next().unwrap().parse().unwrap();
        Reply::new(200, held.blobs.get(&digest).unwrap().clone())
    });
    let (held, elsewhere) = (Arc::clone(&image), storage.address.clone());
    let registry = Server::start(move |request| {
        let host = request.headers.get("host").unwrap();
        let authorization = request.headers.get("authorization").map(String::as_str);
        if request.path.starts_with("/token") {
            // "dTpodW50ZXIy" is u:hunter2.
            let known =
                authorization == Some("Basic dTpodW50ZXIy") || request.body.contains("refresh_token=refresh-me");
            let scoped = format!("{}{}", request.path, request.body).contains("team%2Fapp%3Apull");
            return match (known, scoped) {
                (true, true) => Reply::new(200, r#"{"access_token":"t0ken"}"#),
                _ => Reply::new(401, "the password hunter2 is wrong"),
            };
        }
        let right = match scheme {
            "Bearer" => authorization == Some("Bearer t0ken"),
            _ => authorization == Some("Basic dTpodW50ZXIy"),
        };
        if !right {
            let challenge = match scheme {
                "Bearer" => format!("Bearer realm=\"http://{host}/token\",service=\"s\""),
                _ => "Basic realm=\"r\"".into(),
            };
            let echo = format!(r#"{{"errors":[{{"message":"you sent {}"}}]}}"#, authorization.unwrap_or_default());
            return Reply::new(401, echo).header("WWW-Authenticate", challenge);
        }
        match request.path.strip_prefix("/v2/team/app/blobs/") {
            Some(digest) => {
                Reply::new(307, "").header("Location", format!("http://{elsewhere}/{digest}?signature=s3cret"))
            }
            None => serve_image(&held, request).unwrap_or_else(|| Reply::new(404, "")),
        }
    });
    Guarded { registry, storage, image }
}

fn with_secrets(files: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let credentials = CredentialSources { secrets_dir: Some(dir.path().to_owned()), ..Default::default() };
    let sources = Sources::new(layergate_registry::SourceOptions { credentials, ..options() });
    (dir, sources)
}

#[tokio::test]
async fn credentials_reach_the_registry_and_nobody_else() {
    let (_dir, sources) = with_secrets(&[
        ("good/username", "u"),
        ("good/password", "hunter2"),
        ("bad/username", "u"),
        ("bad/password", "hunter2-not"),
        ("sso/token", "refresh-me"),
        ("stale/token", "hunter2-old"),
    ]);
    for scheme in ["Bearer", "Basic"] {
        let Guarded { registry, storage, image } = guarded(scheme);
        let ask = |credential: Option<&str>| {
            let location: Location = format!("{}/team/app:v1", registry.address).parse().unwrap();
            ImageRequest {
                image: location.locator(),
                platforms: Default::default(),
                credential: credential.map(|c| CredentialName::new(c).unwrap()),
            }
        };
        let names: &[&str] = if scheme == "Bearer" { &["good", "sso"] } else { &["good"] };
        for name in names {
            let found = sources.resolve(&ask(Some(name))).await.unwrap();
            assert_eq!(found[0].digest, Digest::of(&image.manifest));
            read_all(&sources, &found[0]).await;
            let LayerLocator::Registry(blob) = &found[0].layers[0].locator else { panic!("a registry's blob") };
            assert_eq!(blob.credential.as_ref().unwrap().as_str(), *name);
        }
        assert_eq!(storage.paths().len(), (image.layers.len() + 1) * names.len(), "{:?}", storage.paths());
        for request in storage.requests.lock().unwrap().iter() {
            assert!(!request.headers.contains_key("authorization"), "the storage saw a credential: {request:?}");
        }
        // Nothing is asked that is not needed: the challenge of the manifest names the token service.
        assert!(registry.paths().iter().all(|p| p != "GET /v2/"), "{:?}", registry.paths());
        for name in [Some("bad"), Some("stale"), Some("absent"), None] {
            let error = sources.resolve(&ask(name)).await.unwrap_err();
            assert_eq!(kind(&error), "unauthorized", "{scheme} {name:?}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{scheme} {name:?}: {error}");
        }
        assert!(!format!("{sources:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_token_service_that_is_busy_says_so() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let server = Server::start(move |request| {
        let host = request.headers.get("host").unwrap();
        if request.path.starts_with("/token") {
            counted.fetch_add(1, Ordering::SeqCst);
            return Reply::new(429, "").header("Retry-After", 3600);
        }
        Reply::new(401, "").header("WWW-Authenticate", format!("Bearer realm=\"http://{host}/token\""))
    });
    let error = resolve(&sources(), &format!("{}/team/app:v1", server.address)).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("3600 s"), "{error}");
    assert!(asked.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_token_service_on_plain_http_elsewhere_is_refused() {
    for realm in ["http://example.com/token", "ftp://x", "not a url"] {
        let server =
            Server::start(move |_| Reply::new(401, "").header("WWW-Authenticate", format!("Bearer realm=\"{realm}\"")));
        let error = resolve(&sources(), &format!("{}/team/app:v1", server.address)).await.unwrap_err();
        assert_eq!(kind(&error), "malformed", "{realm}: {error}");
    }
}

#[tokio::test]
async fn urls_of_descriptors_are_never_followed_and_sizes_are_held() {
    let trap = Server::start(|_| Reply::new(200, "gotcha"));
    let layer = gzip(b"x");
    let config = br#"{"os":"linux","architecture":"amd64"}"#.to_vec();
    let make = |config_size: usize| {
        let mut foreign = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", &layer);
        foreign["urls"] = serde_json::json!([format!("http://{}/layer", trap.address)]);
        let mut config = descriptor(OCI_CONFIG, &config);
        config["size"] = config_size.into();
        serde_json::json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [foreign]})
    };
    let manifests = [make(config.len()), make(config.len() + 1), make(1 << 40)].map(|m| m.to_string().into_bytes());
    let digest = Digest::of(&config);
    let server = Server::start(move |request| match request.path.rsplit('/').next().unwrap() {
        "right" => Reply::new(200, manifests[0].clone()).header("Content-Type", OCI_MANIFEST),
        "size" => Reply::new(200, manifests[1].clone()).header("Content-Type", OCI_MANIFEST),
        "large" => Reply::new(200, manifests[2].clone()).header("Content-Type", OCI_MANIFEST),
        name if name == digest.to_string() => Reply::new(200, config.clone()),
        _ => Reply::new(404, ""),
    });
    let sources = sources();
    let found = resolve(&sources, &format!("{}/team/app:right", server.address)).await.unwrap();
    let gap = found[0].layers[0].unsupported.as_ref().unwrap();
    assert!(gap.detail.contains("never followed"), "{gap:?}");
    assert!(read(&sources, &found[0].layers[0].locator).await.is_err());
    assert!(trap.paths().is_empty(), "{:?}", trap.paths());
    for (tag, words) in [("size", "bytes, and it has"), ("large", "more than 16777216")] {
        let error = resolve(&sources, &format!("{}/team/app:{tag}", server.address)).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
