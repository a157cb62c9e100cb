//! The memory of a world. All that the engine allocates lies in one region, so that a world can be put back, byte for
//! byte, to how it was when it was prepared: what an invocation did to it is gone, wherever it did it.
//!
//! This is one of the few places with `unsafe`: an engine written in C is given its memory here, and memory is copied
//! below it. It is sound because
//!
//! - one thread uses a region: `Rc` keeps it there;
//! - the region stays where it is, so that every pointer in an image of it is good again once the image is back;
//! - an image is taken, and put back, only while the engine runs nothing (`World` calls no JavaScript meanwhile);
//! - no handle to a value of the engine lives across a restore, except those that lived when the image was taken: what
//!   Rust counts and what the engine counts then agree again;
//! - what Rust owns behind the engine's back (closures of the natives) is made before the image of a world is taken and
//!   is never freed by the engine while the world lives: the prelude holds every native. Nothing of the kind is made
//!   later.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::rc::Rc;

use rlsf::Tlsf;
use rquickjs::allocator::Allocator;
use rquickjs::{Function, JsLifetime, Module, Promise};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};

/// Address space of a region, in bytes: several times the memory limit of an invocation, because what is freed leaves
/// holes.
const SIZE: usize = 64 << 20;
const PAGE: usize = 4_096;
/// A large page, in bytes. A world fits in one: fewer entries of the processor's tables are missed after a pause.
const LARGE: usize = 2 << 20;
/// What the engine's allocations are aligned to, in bytes.
const ALIGN: usize = 16;
/// Room before each allocation, for its size.
const PREFIX: usize = ALIGN;
/// What the lists keep behind an allocation at most: the header of the next block, in bytes.
const BEHIND: usize = 128;
/// What the lists keep at the end of the region, in bytes: a mark that it ends.
const TAIL: usize = 64;
/// What differs from an image is found and kept in pieces of so many bytes.
const PIECE: usize = 128;
/// Memory that is wiped and kept, image included, in bytes. What lies further goes back to the system.
const KEPT: usize = LARGE;

/// Two levels of lists of free blocks; 22 of the first level reach beyond [`SIZE`].
type Lists = Tlsf<'static, u32, u8, 22, 8>;

/// The beginning of a region: part of every image, so that the books fit what they are of.
struct Head {
    lists: Lists,
    /// Nothing from here to the tail was ever written since the image that the region was last put back to.
    top: usize,
}

/// How far an Action has come, in a region.
#[derive(Clone)]
pub(super) enum Held<'js> {
    /// Its entry module is compiled.
    Compiled(Module<'js>),
    /// That is being evaluated, until the promise is settled.
    Begun(Module<'js>, Promise<'js>),
    /// What to call.
    Evaluated(Function<'js>),
}

// SAFETY: the lifetimes are those of the module, the promise and the function, and nothing else.
#[expect(unsafe_code, reason = "rquickjs does not say this of modules that are declared")]
unsafe impl<'js> JsLifetime<'js> for Held<'js> {
    type Changed<'to> = Held<'to>;
}

/// Pages of this process.
#[derive(Debug)]
struct Pages {
    start: NonNull<u8>,
    size: usize,
}

/// A region, and the engine's allocator in it.
#[derive(Clone, Debug)]
pub(super) struct Arena(Rc<Pages>);

/// A region as it was, in pages that nothing can write to.
#[derive(Debug)]
pub(super) struct Image {
    pages: Pages,
    tail: [u8; TAIL],
}

/// How a region differs from an image.
#[derive(Debug, PartialEq)]
pub(super) struct Changes {
    /// Where, and how many bytes, in order.
    places: Vec<(usize, usize)>,
    /// Those bytes.
    bytes: Vec<u8>,
    tail: [u8; TAIL],
}

impl Pages {
    /// `size` bytes that start at a multiple of `align`.
    fn new(size: usize, align: usize) -> Option<Self> {
        let size = size.next_multiple_of(PAGE);
        let all = size + align - PAGE;
        // SAFETY: a new mapping, at an address of the system's choice; what lies before and behind the aligned part of it
        // goes back, and nobody knows of it.
        #[expect(unsafe_code, reason = "mappings are unsafe to make")]
        let start = unsafe {
            let start = rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                all,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            );
            let start = start.ok()?.cast::<u8>();
            let before = start.addr().next_multiple_of(align) - start.addr();
            if before > 0 {
                rustix::mm::munmap(start.cast(), before).ok()?;
            }
            if all > before + size {
                rustix::mm::munmap(start.add(before + size).cast(), all - before - size).ok()?;
            }
            start.add(before)
        };
        Some(Self { start: NonNull::new(start)?, size })
    }

    /// Asks for a large page at the start, which the system may have or not.
    fn start_large(&self) {
        // SAFETY: what the pages hold stays as it is.
        #[expect(unsafe_code, reason = "advice on memory is unsafe in general")]
        let _ = unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), LARGE, Advice::LinuxHugepage) };
    }

    fn seal(&self) -> Option<()> {
        // SAFETY: the pages are ours, and nobody has a reference into them that could write.
        #[expect(unsafe_code, reason = "taking rights from memory is unsafe")]
        let sealed = unsafe { rustix::mm::mprotect(self.start.as_ptr().cast(), self.size, MprotectFlags::READ) };
        sealed.ok()
    }

    /// Gives what they hold from `from` on back to the system: they read as zeros again. Without a place to put them the
    /// system may refuse.
    fn drop_from(&self, from: usize, to: usize) -> Option<()> {
        debug_assert!(from.is_multiple_of(PAGE) && to.is_multiple_of(PAGE) && from <= to && to <= self.size);
        // SAFETY: the new pages lie where pages of ours lie, all within; nothing points to what is lost but the engine,
        // which is put back to a time when it did not.
        #[expect(unsafe_code, reason = "mappings are unsafe to make")]
        let dropped = unsafe {
            rustix::mm::mmap_anonymous(
                self.start.as_ptr().add(from).cast(),
                to - from,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
            )
        };
        dropped.ok().map(drop)
    }

    fn bytes(&self, from: usize, to: usize) -> &[u8] {
        debug_assert!(from <= to && to <= self.size);
        // SAFETY: mapped, readable, initialised (by the system, with zeros, if by nobody else); the engine, which could
        // write there, does not run while the borrow lives: callers are within this file and call nothing.
        #[expect(unsafe_code, reason = "the engine's memory is not Rust's")]
        unsafe {
            std::slice::from_raw_parts(self.start.as_ptr().add(from), to - from)
        }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        debug_assert!(at + bytes.len() <= self.size);
        // SAFETY: within the mapping; `bytes` lie elsewhere (every caller passes an image, changes or a local); no
        // reference into the mapping lives.
        #[expect(unsafe_code, reason = "the engine's memory is not Rust's")]
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr().add(at), bytes.len());
        }
    }

    fn wipe(&self, from: usize, to: usize) {
        debug_assert!(from <= to && to <= self.size);
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "the engine's memory is not Rust's")]
        unsafe {
            std::ptr::write_bytes(self.start.as_ptr().add(from), 0, to - from);
        }
    }
}

impl Changes {
    /// In bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.places.len() * size_of::<(usize, usize)>()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: they are ours, and nothing points into them any more: an engine holds its region by an `Arena`.
        #[expect(unsafe_code, reason = "mappings are unsafe to take away")]
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

impl Arena {
    /// An empty region; none where the system has no address space left.
    pub(super) fn new() -> Option<Self> {
        let pages = Pages::new(SIZE, LARGE)?;
        pages.start_large();
        let first = size_of::<Head>().next_multiple_of(PIECE);
        // SAFETY: the head lies at the start of the mapping, which is aligned to a page; the lists get the rest, which is
        // nobody else's and lives as long as they do.
        #[expect(unsafe_code, reason = "the lists live in the memory that they keep the books of")]
        unsafe {
            let head = pages.start.cast::<Head>();
            head.write(Head { lists: Lists::new(), top: first + BEHIND });
            let rest = NonNull::slice_from_raw_parts(pages.start.add(first), SIZE - first);
            (*head.as_ptr()).lists.insert_free_block_ptr(rest)?;
        }
        Some(Self(Rc::new(pages)))
    }

    /// The region as it is now; none where no memory is left.
    pub(super) fn image(&self) -> Option<Image> {
        let used = self.0.bytes(0, self.top());
        let pages = Pages::new(used.len(), PAGE)?;
        pages.write(0, used);
        pages.seal()?;
        Some(Image { pages, tail: self.tail() })
    }

    /// Makes the region what it was when `image` was taken of it.
    pub(super) fn restore(&self, image: &Image) {
        let (kept, top) = (image.pages.size, self.top());
        self.0.write(0, image.pages.bytes(0, kept));
        let near = top.clamp(kept, KEPT.max(kept));
        self.0.wipe(kept, near);
        let end = top.next_multiple_of(PAGE).min(SIZE);
        if near < end && self.0.drop_from(near, end).is_none() {
            self.0.wipe(near, end);
        }
        self.0.write(SIZE - TAIL, &image.tail);
        debug_assert!(self.is(image, near), "a world that is put back is what it was");
    }

    /// How the region differs from `image`, to which it was put back before.
    pub(super) fn changes(&self, image: &Image) -> Changes {
        let mut changes = Changes { places: Vec::new(), bytes: Vec::new(), tail: self.tail() };
        let (kept, zeros) = (image.pages.size, [0; PIECE]);
        for at in (0..self.top()).step_by(PIECE) {
            let now = self.0.bytes(at, at + PIECE);
            let before = if at < kept { image.pages.bytes(at, at + PIECE) } else { &zeros };
            if now == before {
                continue;
            }
            match changes.places.last_mut() {
                Some((start, size)) if *start + *size == at => *size += PIECE,
                _ => changes.places.push((at, PIECE)),
            }
            changes.bytes.extend_from_slice(now);
        }
        changes.bytes.shrink_to_fit();
        changes.places.shrink_to_fit();
        changes
    }

    /// Makes the region, which was just put back to the image that `changes` are of, what it was when they were found.
    pub(super) fn apply(&self, changes: &Changes) {
        let mut bytes = changes.bytes.as_slice();
        for (at, size) in &changes.places {
            let Some((now, rest)) = bytes.split_at_checked(*size) else { return };
            self.0.write(*at, now);
            bytes = rest;
        }
        self.0.write(SIZE - TAIL, &changes.tail);
    }

    /// Whether it is what `image` says, and zero from there to `top`.
    fn is(&self, image: &Image, top: usize) -> bool {
        let kept = image.pages.size;
        self.0.bytes(0, kept) == image.pages.bytes(0, kept)
            && is_zero(self.0.bytes(kept, top))
            && self.tail() == image.tail
    }

    fn tail(&self) -> [u8; TAIL] {
        self.0.bytes(SIZE - TAIL, SIZE).try_into().unwrap_or([0; TAIL])
    }

    /// In whole pages.
    fn top(&self) -> usize {
        // SAFETY: the head was written when the region was made, and is never moved.
        #[expect(unsafe_code, reason = "the books lie in the memory that they are of")]
        let top = unsafe { (*self.0.start.cast::<Head>().as_ptr()).top };
        top.next_multiple_of(PAGE).min(SIZE)
    }

    /// Allocates with `place`, which is given the lists and the size with the prefix.
    fn place(&self, size: usize, place: impl FnOnce(&mut Lists, Layout) -> Option<NonNull<u8>>) -> *mut u8 {
        let layout = size.checked_add(PREFIX).and_then(|size| Layout::from_size_align(size, ALIGN).ok());
        let Some(layout) = layout else { return std::ptr::null_mut() };
        // SAFETY: the head was written when the region was made; nobody else has a reference to it, because every method
        // takes its own for as long as it runs, on one thread. What `place` gives has room for the prefix.
        #[expect(unsafe_code, reason = "the books lie in the memory that they are of")]
        unsafe {
            let head = &mut *self.0.start.cast::<Head>().as_ptr();
            let Some(start) = place(&mut head.lists, layout) else { return std::ptr::null_mut() };
            let end = start.as_ptr().addr() - self.0.start.as_ptr().addr() + layout.size();
            head.top = head.top.max(end + BEHIND);
            start.cast::<usize>().write(size);
            start.as_ptr().add(PREFIX)
        }
    }
}

// SAFETY: blocks come from the lists: they are free, of that size and alignment, and lie within the region, which lives as
// long as any `Arena`, so as long as the engine that holds one as its allocator.
#[expect(unsafe_code, reason = "an engine in C is given memory")]
unsafe impl Allocator for Arena {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.place(size, |lists, layout| lists.allocate(layout))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else { return std::ptr::null_mut() };
        let block = self.alloc(size);
        if !block.is_null() {
            // SAFETY: the block has that size.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: the caller says that the block is one of ours.
        unsafe {
            let head = &mut *self.0.start.cast::<Head>().as_ptr();
            if let Some(start) = NonNull::new(block.sub(PREFIX)) {
                head.lists.deallocate(start, ALIGN);
            }
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.alloc(size);
        }
        // SAFETY: the caller says that the block is one of ours.
        self.place(size, |lists, layout| unsafe { lists.reallocate(NonNull::new(block.sub(PREFIX))?, layout) })
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: the caller says that the block is one of ours: its size stands before it.
        unsafe { block.sub(PREFIX).cast::<usize>().read() }
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.split_first().is_none_or(|(first, rest)| *first == 0 && bytes.get(..rest.len()) == Some(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(arena: &Arena) -> Vec<u8> {
        arena.0.bytes(0, SIZE).to_vec()
    }

    /// Allocates, grows, shrinks, frees and writes, as an engine would; gives what is still held.
    #[expect(unsafe_code, reason = "an allocator's contract is unsafe")]
    fn use_it(arena: &mut Arena, seed: u64, rounds: usize, largest: u64) -> Vec<(*mut u8, usize)> {
        let mut state = seed;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        let mut held: Vec<(*mut u8, usize)> = Vec::new();
        for _ in 0..rounds {
            let size = 1 + draw(largest);
            let block = match draw(4) {
                0 if !held.is_empty() => {
                    let (block, _) = held.swap_remove(draw(held.len() as u64));
                    // SAFETY: it was allocated here and is freed once.
                    unsafe { arena.dealloc(block) };
                    continue;
                }
                1 if !held.is_empty() => {
                    let (block, before) = held.swap_remove(draw(held.len() as u64));
                    // SAFETY: as above; what it held is still there.
                    let grown = unsafe { arena.realloc(block, size) };
                    assert!(!grown.is_null());
                    assert_eq!(unsafe { *grown }, u8::try_from(before % 251).unwrap(), "what was in it is kept");
                    grown
                }
                2 => arena.calloc(1, size),
                _ => arena.alloc(size),
            };
            assert!(!block.is_null() && block.addr().is_multiple_of(ALIGN));
            // SAFETY: the block has that size.
            unsafe { block.write_bytes(u8::try_from(size % 251).unwrap(), size) };
            assert_eq!(unsafe { Arena::usable_size(block) }, size);
            held.push((block, size));
        }
        held
    }

    #[test]
    fn a_region_that_is_put_back_is_byte_for_byte_what_it_was() {
        let mut arena = Arena::new().unwrap();
        use_it(&mut arena, 1, 300, 5_000);
        let image = arena.image().unwrap();
        let before = region(&arena);
        for (seed, rounds, largest) in [(2, 50, 600), (3, 2_000, 5_000), (4, 200, 200_000), (5, 60, 900_000)] {
            use_it(&mut arena, seed, rounds, largest);
            assert!(region(&arena) != before);
            arena.restore(&image);
            assert!(region(&arena) == before, "after {rounds} rounds with seed {seed}");
        }
    }

    #[test]
    fn changes_make_of_an_image_what_was_made_of_it_before() {
        let mut arena = Arena::new().unwrap();
        use_it(&mut arena, 1, 300, 5_000);
        let image = arena.image().unwrap();
        use_it(&mut arena, 2, 100, 2_000);
        let changes = arena.changes(&image);
        let changed = region(&arena);
        assert!(changes.bytes.len() < 200_000);
        use_it(&mut arena, 3, 1_000, 50_000);
        arena.restore(&image);
        arena.apply(&changes);
        assert!(region(&arena) == changed);
        use_it(&mut arena, 4, 100, 2_000);
        arena.restore(&image);
        assert!(arena.changes(&image).bytes.is_empty());
    }

    #[test]
    fn a_region_that_is_full_gives_nothing_and_is_put_back_all_the_same() {
        let mut arena = Arena::new().unwrap();
        let image = arena.image().unwrap();
        let before = region(&arena);
        let mut blocks = 0;
        while !arena.alloc(1 << 20).is_null() {
            blocks += 1;
        }
        assert!((60..64).contains(&blocks), "{blocks}");
        while !arena.alloc(100).is_null() {}
        assert!(arena.alloc(usize::MAX).is_null() && arena.calloc(usize::MAX, 2).is_null());
        arena.restore(&image);
        assert!(region(&arena) == before);
    }

    #[test]
    fn memory_far_beyond_an_image_goes_back_to_the_system() {
        // Of the region alone, in kB: other tests run beside this one.
        let resident = |arena: &Arena| {
            let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let start = arena.0.start.as_ptr().addr();
            let (mut is_ours, mut sum) = (false, 0);
            for line in maps.lines() {
                if let Some((from, _)) = line.split_once('-')
                    && let Ok(from) = usize::from_str_radix(from, 16)
                {
                    is_ours = (start..start + SIZE).contains(&from);
                } else if let Some(rss) = line.strip_prefix("Rss:").filter(|_| is_ours) {
                    sum += rss.trim().trim_end_matches(" kB").parse::<usize>().unwrap();
                }
            }
            sum
        };
        let mut arena = Arena::new().unwrap();
        let image = arena.image().unwrap();
        for seed in 0..3 {
            use_it(&mut arena, seed, 100, 1_000_000);
            assert!(resident(&arena) > 8 << 10);
            arena.restore(&image);
            // What lies beside the region may count as part of its last mapping.
            assert!(resident(&arena) <= (KEPT >> 10) + 1_024, "{} kB", resident(&arena));
        }
    }
}
