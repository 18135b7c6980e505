"""The only training loop, and what it steers by."""
