//! suspension
