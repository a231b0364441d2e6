// Failures in full and one closing line, for logs: 'N passed, N failed'.
export default async function* report(source) {
  let passed = 0
  let failed = 0
  for await (const { type, data } of source) {
    if (type === 'test:pass' && data.details?.type !== 'suite') passed++
    if (type !== 'test:fail') continue
    if (data.details?.type !== 'suite') failed++
    const error = data.details?.error
    if (error?.code === 'ERR_TEST_FAILURE' && error.failureType === 'subtestsFailed') continue
    yield `\nFAILED ${data.file ?? ''}:${data.line ?? ''} ${data.name}\n${error?.cause?.stack ?? error?.stack ?? error}\n`
  }
  yield `\n${passed} passed, ${failed} failed\n`
}
