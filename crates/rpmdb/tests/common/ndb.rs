//! A writer of NDB files: one page of slots, then the blobs.

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

pub fn build(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 4096];
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    file[..4].copy_from_slice(b"RpmP");
    file[4..20].copy_from_slice(&words(&[0, 7, 1, blobs.len() as u32 + 1]));
    for slot in (32..4096).step_by(16) {
        file[slot..slot + 4].copy_from_slice(b"Slot");
    }
    for (index, blob) in blobs.iter().enumerate() {
        let (number, start) = (index as u32 + 1, file.len());
        let size = (16 + blob.len() + 12).next_multiple_of(16);
        let slot = words(&[number, (start / 16) as u32, (size / 16) as u32]);
        file[32 + index * 16 + 4..32 + index * 16 + 16].copy_from_slice(&slot);
        file.extend(b"BlbS");
        file.extend(words(&[number, 7, blob.len() as u32]));
        file.extend(blob);
        file.resize(start + size - 12, 0);
        file.extend(words(&[adler32(&file[start..]), blob.len() as u32]));
        file.extend(b"BlbE");
    }
    file
}
