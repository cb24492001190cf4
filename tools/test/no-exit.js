// Code under test that ends its process would end jest's worker, which then begins the file anew as if nothing had happened.

process.exit = code => {
  throw new Error(`process.exit(${code ?? ''}) in a test`)
}
