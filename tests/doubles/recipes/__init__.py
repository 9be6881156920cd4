"""Stand-ins for products that museums keep their contacts in, one module each: what the products' own pages say."""
