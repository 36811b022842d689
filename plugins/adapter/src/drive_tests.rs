//! Driving without a proxy: parking, answers, deadlines, bounds.
