"""What all pages share: design tokens, the self-contained document, escaping."""
