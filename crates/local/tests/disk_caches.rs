//! The caches on disk when things go wrong: many writers at once, damage, an unknown format, no room, no permission.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use layergate_local::{DirCache, SledCache};
use layergate_ports::{
    LayerCache,
    conformance::{inventory, key},
};

fn records(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let entries = entries.flatten().map(|e| e.path());
    entries
        .flat_map(|path| if path.is_dir() { records(&path) } else { vec![path] })
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect()
}

const CHILD: &str = "LAYERGATE_TEST_DIR_CACHE";

/// Not a test of its own: what the processes of the next test do.
#[tokio::test]
async fn child_process() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let cache = DirCache::new(dir, 60 << 10);
    for round in 0..40 {
        for n in 0..25 {
            // Evicted or not, whatever comes is the right value.
            let found = cache.get(&key(n)).await.unwrap();
            assert!(found.is_none_or(|found| found == inventory(n)));
            if (n + round) % 3 == 0 {
                cache.put(&key(n), &inventory(n)).await.unwrap();
            }
        }
    }
    assert!(!cache.is_broken());
}

#[test]
fn any_number_of_processes_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(!records(dir.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_threads_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|t| {
            let cache = DirCache::new(dir.path(), 1 << 30);
            tokio::spawn(async move {
                for n in 0..50 {
                    let n = (n + t * 7) % 50;
                    cache.put(&key(n), &inventory(n)).await.unwrap();
                    assert_eq!(cache.get(&key(n)).await.unwrap(), Some(inventory(n)));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(records(dir.path()).len(), 50, "one file for each record, no temporary left");
}

#[tokio::test]
async fn damage_is_a_miss_and_goes_away() {
    let dir = tempfile::tempdir().unwrap();
    let cache = DirCache::new(dir.path(), 1 << 30);
    let damages: [fn(&mut Vec<u8>); 5] = [
        |b| b.truncate(b.len() / 2),
        |b| b.clear(),
        |b| b[3] = 99,
        |b| {
            let last = b.len() - 1;
            b[last] ^= 1;
        },
        |b| b.extend_from_slice(b"more"),
    ];
    for damage in damages {
        cache.put(&key(1), &inventory(1)).await.unwrap();
        let [file] = &records(dir.path())[..] else { panic!() };
        let mut bytes = fs::read(file).unwrap();
        damage(&mut bytes);
        fs::write(file, bytes).unwrap();
        assert_eq!(cache.get(&key(1)).await.unwrap(), None);
        assert_eq!(cache.contains_many(&[key(1)]).await.unwrap(), [false], "removed");
    }
    // The record of another layer under this name is no record of this layer.
    cache.put(&key(1), &inventory(1)).await.unwrap();
    let file = records(dir.path()).remove(0);
    cache.put(&key(2), &inventory(2)).await.unwrap();
    let other = records(dir.path()).into_iter().find(|p| *p != file).unwrap();
    fs::copy(other, file).unwrap();
    assert_eq!(cache.get(&key(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_directory_is_bounded_and_the_least_used_goes() {
    let dir = tempfile::tempdir().unwrap();
    let size = {
        let cache = DirCache::new(dir.path().join("one"), 1 << 30);
        cache.put(&key(0), &inventory(0)).await.unwrap();
        fs::metadata(&records(dir.path())[0]).unwrap().len()
    };
    let budget = size * 40;
    let cache = DirCache::new(dir.path().join("many"), budget);
    let many = dir.path().join("many");
    for n in 0..400 {
        let n = n * 100;
        cache.put(&key(n), &inventory(n)).await.unwrap();
        // As if a day had passed for each record, except the first, which is used again and again.
        let day = Duration::from_secs(86_400 * (400 - u64::from(n / 100)));
        for file in records(&many) {
            let first = file.ends_with(key(0).digest_text());
            let age = if first { Duration::ZERO } else { day };
            let modified = fs::metadata(&file).unwrap().modified().unwrap();
            if first || modified.elapsed().is_ok_and(|a| a < Duration::from_secs(60)) {
                let at = SystemTime::now() - age;
                fs::File::options().append(true).open(&file).unwrap().set_modified(at).unwrap();
            }
        }
    }
    let sum: u64 = records(&many).iter().map(|f| fs::metadata(f).unwrap().len()).sum();
    assert!(sum <= budget + budget / 8, "{sum} of {budget}");
    assert!(cache.get(&key(0)).await.unwrap().is_some(), "used lately");
    assert!(cache.get(&key(100)).await.unwrap().is_none(), "the oldest went");
    assert!(cache.get(&key(39_900)).await.unwrap().is_some(), "the newest stays");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_reported_and_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    // A file in the place of the directory: nobody can write there, root neither.
    let blocked = dir.path().join("blocked");
    fs::write(&blocked, b"").unwrap();
    let full = Path::new("/dev/full/cache");
    for place in [blocked.as_path(), full] {
        let cache = DirCache::new(place, 1 << 30);
        assert!(!cache.is_broken());
        cache.put(&key(1), &inventory(1)).await.unwrap();
        assert!(cache.is_broken());
        assert_eq!(cache.get(&key(1)).await.unwrap(), None);
        assert_eq!(cache.contains_many(&[key(1)]).await.unwrap(), [false]);
    }
}

#[tokio::test]
async fn sled_keeps_what_was_flushed_and_refuses_a_second_owner() {
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 1 << 30).unwrap();
    cache.put(&key(1), &inventory(1)).await.unwrap();
    cache.flush().await.unwrap();
    let error = SledCache::open(dir.path(), 1 << 30).err().unwrap().to_string();
    assert!(error.contains("another process"), "{error}");
    assert_eq!(cache.get(&key(1)).await.unwrap(), Some(inventory(1)), "the owner is not disturbed");
    drop(cache);
    let cache = SledCache::open(dir.path(), 1 << 30).unwrap();
    assert_eq!(cache.get(&key(1)).await.unwrap(), Some(inventory(1)));
}

#[tokio::test]
async fn a_sled_that_does_not_open_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 1 << 30).unwrap();
    cache.put(&key(1), &inventory(1)).await.unwrap();
    cache.flush().await.unwrap();
    drop(cache);
    for file in records(dir.path()) {
        let length = fs::metadata(&file).unwrap().len() as usize;
        fs::write(&file, vec![0xa5; length]).unwrap();
    }
    let cache: Arc<dyn LayerCache> = Arc::new(SledCache::open(dir.path(), 1 << 30).unwrap());
    assert_eq!(cache.get(&key(1)).await.unwrap(), None);
    cache.put(&key(1), &inventory(1)).await.unwrap();
    assert_eq!(cache.get(&key(1)).await.unwrap(), Some(inventory(1)));
}

#[tokio::test]
async fn sled_is_bounded_by_its_generations() {
    let dir = tempfile::tempdir().unwrap();
    let budget = 8 << 20;
    let cache = SledCache::open(dir.path(), budget).unwrap();
    for n in 0..3000 {
        // 100 entries each, about a kilobyte stored.
        let n = n * 100 + 99;
        cache.put(&key(n), &inventory(n)).await.unwrap();
        if n % 1000 == 99 {
            assert!(cache.get(&key(99)).await.unwrap().is_some(), "used lately, at {n}");
            cache.flush().await.unwrap();
        }
    }
    let sum: u64 = records(dir.path()).iter().map(|f| fs::metadata(f).unwrap().len()).sum();
    assert!(sum <= budget * 2, "{sum} of {budget}");
    assert!(cache.get(&key(299_999)).await.unwrap().is_some(), "the newest stays");
}
