//! Programs: what they were built from, and well-known ones that no package manager installed.

#[cfg(test)]
pub(crate) mod build;
pub mod elf_note;
mod executable;
pub mod go;
mod go_version;
pub mod known;
mod known_table;
pub mod linux_kernel;
pub mod packed_program;
mod pe_resource;
pub mod pe_version;
mod runtime;
pub mod rust;
