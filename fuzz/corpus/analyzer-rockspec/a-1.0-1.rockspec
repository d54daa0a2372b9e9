a-1.0-1.rockspec
package = "a"
version = '1.0-1'
description = {
  license = "MIT"
}
