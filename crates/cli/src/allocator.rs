//! How much memory the allocator keeps to itself.
//!
//! glibc gives every thread an arena of its own, each keeps what was freed in it, and it learns to keep ever larger
//! pieces: a scan of a 750 MB image peaks at 55 MiB so, and at 46 MiB with one arena, for the same work (two threads
//! allocate at once at most). mimalloc was tried: 110 MiB and more.
//!
//! Pieces from [`LARGE`] on go straight back to the system. At 64 KiB the peak is a mebibyte lower, but then each of the
//! network's buffers is one, and the system clears 750 MB of pages for one scan: 0.3 of 6.5 s of CPU.

/// Just above the largest buffer into which hyper reads (8 KiB and 400 KiB).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 448 << 10;

/// One arena for all threads, large pieces given back at once. Call it before the first thread starts.
pub(crate) fn limit_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        for (setting, value) in
            [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, 128 << 10)]
        {
            // SAFETY: mallopt only stores a number in the allocator's settings; no other thread runs yet.
            #[allow(unsafe_code)]
            let _ = unsafe { libc::mallopt(setting, value) };
        }
    }
}
