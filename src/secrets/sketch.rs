//! Telling most of a text from secrets at little cost.

use super::STEP;

/// A set of steps that may hold more than were put in. Nearly all of a text is told from secrets by
/// it alone, so that a look through all that a service sends costs next to nothing.
#[derive(Default)]
pub(super) struct Sketch {
    bits: Vec<u64>,
}

impl Sketch {
    /// A token has tens of thousands of steps with its spellings; of so many bits they take few.
    const BITS: u32 = 19;

    /// Prime multipliers spread the steps (Knuth, multiplicative hashing); each has a bit of its own.
    const SPREADS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F];

    fn place(step: [u8; STEP], spread: u64) -> (usize, u64) {
        // The upper bits are best.
        let bit = u64::from_le_bytes(step).wrapping_mul(spread) >> (u64::BITS - Self::BITS);
        (
            usize::try_from(bit / 64).unwrap_or_default(),
            1 << (bit % 64),
        )
    }

    pub(super) fn put(&mut self, step: [u8; STEP]) {
        self.bits.resize(1 << (Self::BITS - 6), 0);
        for spread in Self::SPREADS {
            let (index, bit) = Self::place(step, spread);
            self.bits[index] |= bit;
        }
    }

    pub(super) fn may_have(&self, step: [u8; STEP]) -> bool {
        Self::SPREADS.iter().all(|spread| {
            let (index, bit) = Self::place(step, *spread);
            self.bits.get(index).is_some_and(|bits| bits & bit != 0)
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }
}
