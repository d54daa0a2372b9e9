//! Small programs of the three formats, for tests.

/// A 64-bit little-endian ELF with these sections, each also a writable segment at an address of `0x1000 * n`.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0u8];
    let mut body = Vec::new();
    let mut headers = vec![[0u64; 6]];
    let first = 64 + 56 * sections.len() as u64;
    for (index, (name, data)) in sections.iter().enumerate() {
        headers.push([
            names.len() as u64,
            1,
            0x1000 * (index as u64 + 1),
            first + body.len() as u64,
            data.len() as u64,
            0,
        ]);
        names.extend(name.as_bytes());
        names.push(0);
        body.extend(*data);
    }
    headers.push([0, 3, 0, first + body.len() as u64, names.len() as u64, 0]);
    body.extend(&names);
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    let half = |out: &mut Vec<u8>, v: u16| out.extend(v.to_le_bytes());
    let word = |out: &mut Vec<u8>, v: u32| out.extend(v.to_le_bytes());
    let long = |out: &mut Vec<u8>, v: u64| out.extend(v.to_le_bytes());
    half(&mut out, 2);
    half(&mut out, 62);
    word(&mut out, 1);
    long(&mut out, 0);
    long(&mut out, 64);
    long(&mut out, first + body.len() as u64);
    word(&mut out, 0);
    for value in [64, 56, sections.len() as u16, 64, headers.len() as u16, headers.len() as u16 - 1] {
        half(&mut out, value);
    }
    for [_, _, address, offset, size, _] in &headers[1..headers.len() - 1] {
        word(&mut out, 1);
        word(&mut out, 6);
        for value in [*offset, *address, *address, *size, *size, 1] {
            long(&mut out, value);
        }
    }
    out.extend(&body);
    for [name, kind, address, offset, size, _] in headers {
        word(&mut out, name as u32);
        word(&mut out, kind as u32);
        for value in [0, address, offset, size] {
            long(&mut out, value);
        }
        out.resize(out.len() + 24, 0);
    }
    out
}

/// A PE32+ file with one section of initialised, writable data.
pub(crate) fn pe(name: &str, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0u8; 0x200];
    out[..2].copy_from_slice(b"MZ");
    out[60] = 0x80;
    out[0x80..0x84].copy_from_slice(b"PE\0\0");
    out[0x86] = 1;
    out[0x94] = 240;
    out[0x98..0x9a].copy_from_slice(&[0x0b, 0x02]);
    out[0x98 + 108] = 16;
    let entry = 0x98 + 240;
    out[entry..entry + name.len()].copy_from_slice(name.as_bytes());
    out[entry + 12..entry + 16].copy_from_slice(&0x1000u32.to_le_bytes());
    out[entry + 16..entry + 20].copy_from_slice(&(data.len() as u32).to_le_bytes());
    out[entry + 20..entry + 24].copy_from_slice(&0x200u32.to_le_bytes());
    out[entry + 36..entry + 40].copy_from_slice(&0xc000_0040u32.to_le_bytes());
    out.extend(data);
    out
}

/// Sets a data directory of a program made by [`pe`].
pub(crate) fn set_directory(program: &mut [u8], index: usize, address: u32, size: u32) {
    let at = 0x98 + 112 + index * 8;
    program[at..at + 4].copy_from_slice(&address.to_le_bytes());
    program[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
}

/// A 64-bit Mach-O file with one segment of one section.
pub(crate) fn macho(name: &str, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0xcf, 0xfa, 0xed, 0xfe];
    for value in [0x0100_0007u32, 3, 2, 1, 152, 0, 0, 25, 152] {
        out.extend(value.to_le_bytes());
    }
    out.extend(b"__DATA\0\0\0\0\0\0\0\0\0\0");
    for value in [0x1000u64, data.len() as u64, 184, data.len() as u64] {
        out.extend(value.to_le_bytes());
    }
    for value in [3u32, 3, 1, 0] {
        out.extend(value.to_le_bytes());
    }
    let mut section = name.as_bytes().to_vec();
    section.resize(16, 0);
    out.extend(section);
    out.extend(b"__DATA\0\0\0\0\0\0\0\0\0\0");
    for value in [0x1000u64, data.len() as u64] {
        out.extend(value.to_le_bytes());
    }
    for value in [184u32, 0, 0, 0, 0, 0, 0, 0] {
        out.extend(value.to_le_bytes());
    }
    out.extend(data);
    out
}

/// Every prefix of a program, and the program with each byte of its first 2 KiB spoiled.
pub(crate) fn mutations(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let cut = (0..whole.len()).map(|n| whole[..n].to_vec());
    cut.chain((0..whole.len().min(2048)).flat_map(|at| {
        [0u8, 0x7f, 0xff].map(|byte| {
            let mut bytes = whole.to_vec();
            bytes[at] = byte;
            bytes
        })
    }))
}
