x/specifications/a-1.gemspec
Gem::Specification.new do |s|
  s.name = "a".freeze
  s.version = %q<1>
  s.licenses = ['MIT']
  s.add_dependency(%q<b>.freeze, [">= 1"])
end
