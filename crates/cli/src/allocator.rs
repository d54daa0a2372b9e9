//! How much memory the allocator keeps to itself.
//!
//! glibc gives every thread an arena of its own, each keeps what was freed in it, and it learns to keep ever larger
//! pieces. A scan of a 750 MB image peaks at 55 MiB so, at 46 MiB with one arena, and at 39 MiB when pieces of 64 KiB
//! and more go straight back to the system, for the same work (two threads allocate at once at most). mimalloc was
//! tried: 110 MiB and more.

/// One arena for all threads, large pieces given back at once. Call it before the first thread starts.
pub(crate) fn limit_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        for (setting, value) in
            [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, 64 << 10), (libc::M_TRIM_THRESHOLD, 128 << 10)]
        {
            // SAFETY: mallopt only stores a number in the allocator's settings; no other thread runs yet.
            #[allow(unsafe_code)]
            let _ = unsafe { libc::mallopt(setting, value) };
        }
    }
}
