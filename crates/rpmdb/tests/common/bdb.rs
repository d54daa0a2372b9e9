//! A writer of Berkeley DB hash files: two buckets, their pages chained when full, values on overflow pages.

#[derive(Clone, Copy)]
pub struct BdbWriter {
    pub big_endian: bool,
    pub page_size: usize,
    /// Values up to this size stay on the hash page.
    pub inline: usize,
}

impl BdbWriter {
    pub const LITTLE: Self = Self { big_endian: false, page_size: 4096, inline: 64 };
    pub const BIG: Self = Self { big_endian: true, ..Self::LITTLE };

    pub fn u16(self, value: usize) -> [u8; 2] {
        if self.big_endian { (value as u16).to_be_bytes() } else { (value as u16).to_le_bytes() }
    }

    pub fn u32(self, value: usize) -> [u8; 4] {
        if self.big_endian { (value as u32).to_be_bytes() } else { (value as u32).to_le_bytes() }
    }

    pub fn put32(self, bytes: &mut [u8], at: usize, value: usize) {
        bytes[at..at + 4].copy_from_slice(&self.u32(value));
    }

    fn page(self, number: usize, kind: u8) -> Vec<u8> {
        let mut page = vec![0; self.page_size];
        self.put32(&mut page, 8, number);
        page[25] = kind;
        page
    }

    fn link(self, page: &mut [u8], next: usize, entries: usize, offset: usize) {
        self.put32(page, 16, next);
        page[20..22].copy_from_slice(&self.u16(entries));
        page[22..24].copy_from_slice(&self.u16(offset));
    }

    pub fn build(self, blobs: &[Vec<u8>]) -> Vec<u8> {
        let mut pages = vec![self.page(0, 8), self.page(1, 13), self.page(2, 13)];
        let mut records: [Vec<(usize, Vec<u8>)>; 2] = Default::default();
        records[0].push((0, [&[1u8][..], &self.u32(blobs.len())].concat()));
        for (index, blob) in blobs.iter().enumerate() {
            let value = if blob.len() <= self.inline {
                [&[1u8][..], blob].concat()
            } else {
                let first = pages.len();
                let chunks: Vec<&[u8]> = blob.chunks(self.page_size - 26).collect();
                for (at, chunk) in chunks.iter().enumerate() {
                    let number = pages.len();
                    let mut page = self.page(number, 7);
                    let next = if at + 1 < chunks.len() { number + 1 } else { 0 };
                    self.link(&mut page, next, 1, chunk.len());
                    page[26..26 + chunk.len()].copy_from_slice(chunk);
                    pages.push(page);
                }
                [&[3u8, 0, 0, 0][..], &self.u32(first), &self.u32(blob.len())].concat()
            };
            records[index % 2].push((index + 1, value));
        }
        for (bucket, records) in records.iter().enumerate() {
            let (mut at, mut count, mut end) = (bucket + 1, 0, self.page_size);
            for (key, value) in records {
                if 26 + 2 * (count + 2) + 5 + value.len() > end {
                    let next = pages.len();
                    self.link(&mut pages[at], next, count, end);
                    pages.push(self.page(next, 13));
                    (at, count, end) = (next, 0, self.page_size);
                }
                for item in [&[&[1u8][..], &self.u32(*key)].concat(), value] {
                    end -= item.len();
                    pages[at][end..end + item.len()].copy_from_slice(item);
                    let slot = 26 + 2 * count;
                    pages[at][slot..slot + 2].copy_from_slice(&self.u16(end));
                    count += 1;
                }
            }
            self.link(&mut pages[at], 0, count, end);
        }
        let last = pages.len() - 1;
        let meta = &mut pages[0];
        for (at, value) in
            [(12, 0x0006_1561), (16, 9), (20, self.page_size), (32, last), (72, 1), (76, 1), (96, 1), (100, 1)]
        {
            self.put32(meta, at, value);
        }
        pages.concat()
    }
}
